package knowledge

import (
	"regexp"
	"strings"
	"unicode"
)

const (
	// A shorter text in quotation marks is a word that is spoken of, not a quote.
	shortestQuote = 12
	longestQuote  = 2000
)

var (
	blankLine = regexp.MustCompile(`\n[ \t]*\n`)
	// Pairs of quotation marks, in the order in which they are tried.
	quoted = []*regexp.Regexp{
		regexp.MustCompile(`“([^“”]+)”`), regexp.MustCompile(`„([^„“”]+)[“”]`), regexp.MustCompile(`«([^«»]+)»`),
		regexp.MustCompile(`»([^«»]+)«`), regexp.MustCompile(`「([^「」]+)」`), regexp.MustCompile(`"([^"\n]+)"`),
	}
	ellipsis = regexp.MustCompile(`\[?(?:\.\.\.|…)\]?`)
)

// paragraphs divides an answer at its blank lines.
func paragraphs(answer string) []string {
	return blankLine.Split(strings.ReplaceAll(answer, "\r\n", "\n"), -1)
}

// quotes returns the texts that a paragraph quotes, in quotation marks and in lines
// that begin with >.
func quotes(text string) (found []string) {
	var block, rest []string
	for _, line := range strings.Split(text, "\n") {
		if quote, is := strings.CutPrefix(strings.TrimSpace(line), ">"); is {
			block = append(block, strings.TrimSpace(quote))
		} else {
			rest = append(rest, line)
		}
	}
	found = appendQuote(found, strings.Join(block, " "))
	text = strings.Join(rest, "\n")
	for _, marks := range quoted {
		for _, match := range marks.FindAllStringSubmatch(text, -1) {
			found = appendQuote(found, match[1])
		}
		text = marks.ReplaceAllString(text, " ")
	}
	return found
}

func appendQuote(found []string, text string) []string {
	text = strings.Trim(strings.Join(strings.Fields(text), " "), `“”„"«»`)
	if runes(text) < shortestQuote && !strings.ContainsFunc(text, isUnspaced) || len(text) > longestQuote || text == "" {
		return found
	}
	return append(found, text)
}

// fragments returns the normalised parts of a quote between what it leaves out.
func fragments(quote string) (parts []string) {
	for _, part := range ellipsis.Split(quote, -1) {
		part = strings.TrimFunc(normalise(part), func(r rune) bool { return unicode.IsPunct(r) || r == ' ' })
		if part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// Marks that are written in several ways, or that only set type.
var plain = strings.NewReplacer(
	"“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "‘", "'", "’", "'", "‚", "'", "–", "-", "—", "-", "‐", "-", "‑", "-", "−", "-",
	"\u00ad", "", "\u200b", "", "\ufeff", "", "*", "", "_", "", "`", "", "ﬁ", "fi", "ﬂ", "fl", "ﬀ", "ff", "…", "...",
)

// normalise makes texts equal that a reader takes for the same: it ignores case,
// emphasis, kinds of quotation marks and dashes, and how they are divided into lines.
func normalise(text string) string {
	return strings.ToLower(strings.Join(strings.Fields(plain.Replace(text)), " "))
}

// spaced returns a place in lower case with single spaces.
func spaced(place string) string { return normalise(place) }
