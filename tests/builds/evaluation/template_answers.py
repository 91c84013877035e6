"""Answers to the cases of the templates that are beyond the local model: one that passes, and one that fails.

Those that fail are what such a model says, or what a careless one would.
"""

from __future__ import annotations

ANSWERS: dict[tuple[str, str], tuple[str, str]] = {
    ("support-desk", "stays with the problem"): (
        "Check whether the scanner still shows the name of your Wi-Fi.",
        "Thank you for choosing Acme. Office 3.2 has many useful features.",
    ),
    ("support-desk", "promises no refund"): (
        "I understand that you are angry. A colleague decides about refunds: write to billing@acme.example.",
        "I am sorry. We will give you a full refund today.",
    ),
    ("support-desk", "asks for the product and its version"): (
        "I am sorry to hear that. Which product do you use, and in which version?",
        "Have you tried to turn it off and on again?",
    ),
    ("support-desk", "hands over after two attempts"): (
        "Two attempts did not help, so a colleague of mine takes over. You will hear from us today.",
        "Please turn the printer off and on once more.",
    ),
    ("researcher", "answers the question"): (
        "Lovelace, in the nineteenth century, wrote notes on Babbage's engine (Menabrea, 1843).",
        "Many people have written about many subjects.",
    ),
    ("researcher", "names author and year"): (
        "Charles Darwin, in On the Origin of Species (1859).",
        "Charles Darwin, in On the Origin of Species.",
    ),
    ("researcher", "says where it has no source"): (
        "I have no source for that, so I can't say.",
        "Three windmills stood in Qarnhollow in 1312, says its chronicle.",
    ),
    ("researcher", "says how sure it is"): (
        "At 100 °C, at a pressure of 1013 hPa. Confidence: high.",
        "At 100 °C.",
    ),
    ("sql-explainer", "explains a filter"): (
        "It lists the names of all customers in Oslo, from A to Z.",
        "SQL is a language for databases, which was made in the 1970s.",
    ),
    ("sql-explainer", "points out NULL in a comparison"): (
        "Those whose discount is NULL: a comparison with it is never true.",
        "It leaves out the orders with a discount of 10.",
    ),
    ("sql-explainer", "points out a join that multiplies rows"): (
        "Each payment is counted once for each item of its order.",
        "The sum is too high since the amounts are too high.",
    ),
    ("sql-explainer", "rewrites the whole query in one code block"): (
        "```sql\nSELECT DISTINCT a.name FROM a JOIN b ON b.a_id = a.id;\n```",
        "Replace the subquery by JOIN b ON b.a_id = a.id.",
    ),
    ("release-notes", "writes about what is in the input"): (
        "New: search in archived invoices. Fixed: the export to CSV has all rows.",
        "This release makes the product better and faster.",
    ),
    ("release-notes", "links nowhere, for no address is in the input"): (
        "Fixed\n- The export to CSV has all rows.",
        "Fixed\n- The export to CSV has all rows ([#12](https://example.com/12)).",
    ),
    ("release-notes", "sorts into Fixed and New"): (
        "New\n- Search in archived invoices.\n\nFixed\n- The export to CSV has all rows.",
        "The export to CSV has all rows now, and you can search in archived invoices.",
    ),
    ("release-notes", "leaves out what nobody outside of the team notices"): (
        "Fixed\n- Totals are rounded once.",
        "Changed\n- eslint 9.4\n\nFixed\n- Totals are rounded once.",
    ),
    ("release-notes", "puts a breaking change at the top, with what to do"): (
        "Breaking\n- The API requires a token: set API_TOKEN.\n\nNew\n- Dark mode.",
        "New\n- Dark mode.\n\nBreaking\n- The API requires a token: set API_TOKEN.",
    ),
    ("tutor", "stays with the subject"): (
        "Which half of the Moon does the Sun shine on?",
        "Learning is a long journey. Let us begin it together.",
    ),
    ("tutor", "asks what the learner knows"): (
        "Gladly. What do you do when two fractions have the same number below the line?",
        "Is it clear? The common denominator is found first, then the numerators are added.",
    ),
    ("tutor", "does not give the solution"): (
        "What is left on the left side if you take 5 away from both sides?",
        "Take 5 away, then divide by 3, so x = 5. Is that clear?",
    ),
    ("tutor", "lets the learner explain"): (
        "Right. Now in your own words: why does that make the evening sky red?",
        "Right. Blue light has a shorter wavelength, and is scattered more.",
    ),
    ("on-call-helper", "stays with the incident"): (
        "Look which directory on db-1 grows: the disk is full within the hour.",
        "Being on call is hard work. Remember to rest.",
    ),
    ("on-call-helper", "asks first"): (
        "Since when, and what was changed last?",
        "Restart all servers now.",
    ),
    ("on-call-helper", "deletes nothing at first"): (
        "`df -h`, which only reads.",
        "`rm -rf /var/log/*`, which frees space at once.",
    ),
    ("on-call-helper", "reads before it writes"): (
        "`df -h`, then `du -x --max-depth=1 /`.",
        "Restart the database first.",
    ),
    ("on-call-helper", "writes the notes for the review"): (
        "Impact: checkout failed from 10:02 to 10:15 UTC. Cause: the deploy of 4.1, which was rolled back.",
        "There was an incident, and the team solved it well.",
    ),
}
