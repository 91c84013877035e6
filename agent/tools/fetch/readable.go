package fetch

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

// Elements whose content is no text of the page.
var skipped = map[string]bool{
	"script": true, "style": true, "noscript": true, "template": true, "svg": true, "iframe": true,
	"object": true, "nav": true, "footer": true, "select": true, "textarea": true, "canvas": true,
}

// Elements that begin a line of their own.
var blocks = map[string]bool{
	"address": true, "article": true, "aside": true, "blockquote": true, "br": true, "dd": true, "div": true, "dl": true,
	"dt": true, "figcaption": true, "figure": true, "h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true,
	"header": true, "hr": true, "li": true, "main": true, "ol": true, "p": true, "pre": true, "section": true, "table": true,
	"title": true, "tr": true, "ul": true,
}

var (
	attribute = regexp.MustCompile(`([A-Za-z-]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?`)
	hiddenBy  = regexp.MustCompile(`(?i)display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)`)
	spaces    = regexp.MustCompile(`[ \t\r\f\x{a0}]+`)
	newlines  = regexp.MustCompile(`\n\s*\n\s*`)
)

// A longer tag is text: without a limit, a page of many open tags would take forever.
const maxTag = 4 << 10

// voids are elements without an end.
var voids = map[string]bool{
	"area": true, "base": true, "br": true, "col": true, "embed": true, "hr": true, "img": true, "input": true,
	"link": true, "meta": true, "source": true, "track": true, "wbr": true,
}

// reader turns HTML into text. It keeps what a person would see: no scripts, comments,
// alternative texts or hidden elements, which are where instructions to models hide.
type reader struct {
	out  strings.Builder
	base *url.URL
	// hidden is the element whose end shows text again, and how deep it is nested.
	hidden string
	depth  int
	links  []string
}

func readable(page string, base *url.URL) string {
	r := &reader{base: base}
	for page != "" {
		at := strings.IndexByte(page, '<')
		if at < 0 {
			at = len(page)
		}
		r.text(page[:at])
		page = r.markup(page[at:])
	}
	var lines []string
	for line := range strings.SplitSeq(spaces.ReplaceAllString(r.out.String(), " "), "\n") {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.TrimSpace(newlines.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
}

func (r *reader) text(raw string) {
	if r.hidden == "" {
		r.out.WriteString(strings.ReplaceAll(html.UnescapeString(raw), "\n", " "))
	}
}

// markup reads what begins with <, and returns the rest of the page.
func (r *reader) markup(page string) string {
	switch {
	case page == "":
		return ""
	case strings.HasPrefix(page, "<!--"):
		return after(page[4:], "-->")
	case strings.HasPrefix(page, "<!") || strings.HasPrefix(page, "<?"):
		return after(page, ">")
	}
	inner, rest, found := tagOf(page)
	if !found {
		r.text("<")
		return page[1:]
	}
	inner, isEnd := strings.CutPrefix(inner, "/")
	name, attributes, _ := strings.Cut(strings.Map(spaced, inner), " ")
	name = strings.ToLower(strings.TrimSuffix(name, "/"))
	if !isEnd && (name == "script" || name == "style") {
		// Their content is not markup.
		return afterEnd(rest, name)
	}
	r.element(name, isEnd, attributes)
	return rest
}

// tagOf returns what is between < and >, and the rest of the page.
func tagOf(page string) (inner, rest string, found bool) {
	name := strings.TrimPrefix(page[1:], "/")
	if name == "" || (name[0]|0x20) < 'a' || (name[0]|0x20) > 'z' {
		return "", page, false
	}
	var quote byte
	for i := 1; i < min(len(page), maxTag); i++ {
		switch c := page[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '>':
			return page[1:i], page[i+1:], true
		case c == '<':
			return "", page, false
		case c == '"' || c == '\'':
			quote = c
		}
	}
	return "", page, false
}

func spaced(r rune) rune {
	if r == '\n' || r == '\t' || r == '\r' || r == '\f' {
		return ' '
	}
	return r
}

func (r *reader) element(name string, isEnd bool, attributes string) {
	switch {
	case r.hidden != "":
		r.nest(name, isEnd)
	case !isEnd && !voids[name] && (skipped[name] || isHidden(attributes)):
		r.hidden, r.depth = name, 1
	case name == "a":
		r.link(isEnd, attributes)
	case name == "td" || name == "th":
		r.out.WriteString(" | ")
	case blocks[name]:
		r.out.WriteString("\n")
		if !isEnd && len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6' {
			r.out.WriteString("\n" + strings.Repeat("#", int(name[1]-'0')) + " ")
		}
		if !isEnd && name == "li" {
			r.out.WriteString("- ")
		}
	}
}

// nest follows the hidden element to its end.
func (r *reader) nest(name string, isEnd bool) {
	if name != r.hidden {
		return
	}
	if r.depth++; isEnd {
		r.depth -= 2
	}
	if r.depth == 0 {
		r.hidden = ""
	}
}

// link writes the address of a link after its words, in full.
func (r *reader) link(isEnd bool, attributes string) {
	if !isEnd {
		target := ""
		if u, err := r.base.Parse(attributeOf(attributes, "href")); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil {
			u.Fragment = ""
			target = u.String()
		}
		r.links = append(r.links, target)
		return
	}
	if len(r.links) == 0 {
		return
	}
	target := r.links[len(r.links)-1]
	r.links = r.links[:len(r.links)-1]
	if target != "" && target != r.base.String() {
		r.out.WriteString(" <" + target + ">")
	}
}

func isHidden(attributes string) bool {
	for _, parts := range attribute.FindAllStringSubmatch(attributes, -1) {
		switch strings.ToLower(parts[1]) {
		case "hidden":
			return true
		case "aria-hidden":
			if strings.Trim(parts[2], `"'`) == "true" {
				return true
			}
		case "style":
			if hiddenBy.MatchString(html.UnescapeString(parts[2])) {
				return true
			}
		}
	}
	return false
}

func attributeOf(attributes, name string) string {
	for _, parts := range attribute.FindAllStringSubmatch(attributes, -1) {
		if strings.EqualFold(parts[1], name) {
			return html.UnescapeString(strings.Trim(parts[2], `"'`))
		}
	}
	return ""
}

func after(text, end string) string {
	_, rest, _ := strings.Cut(text, end)
	return rest
}

func afterEnd(text, name string) string {
	for {
		at := strings.Index(text, "</")
		if at < 0 {
			return ""
		}
		text = text[at+2:]
		if len(text) >= len(name) && strings.EqualFold(text[:len(name)], name) {
			return after(text, ">")
		}
	}
}
