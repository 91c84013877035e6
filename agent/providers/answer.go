package providers

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"

	"agent.local/a0000000000000000/sse"
)

const (
	// Far more than any real answer; an endless one must not exhaust the memory.
	maxAnswer = 16 << 20
	// How much of an invalid answer is kept for the error message.
	maxHead = 4 << 10
	// The wait for the rest, usage and the end of the stream, after the reason to
	// stop. Some servers leave the connection open.
	grace = 2 * time.Second
)

// answer is a successful response, of which it reads at most maxAnswer bytes.
type answer struct {
	*http.Response
	client *client
	// ctx is the caller's context; cancel ends only this response.
	ctx      context.Context
	cancel   context.CancelFunc
	left     int
	head     []byte
	complete bool
	// whole is set for JSON documents instead of events.
	whole bool
	timer *time.Timer
	// repeat is how the chunks of this answer look that need no decoding.
	repeat repeat
	// late is an error after the answer was complete.
	late error
}

func (a *answer) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, &Error{Kind: Unreachable, Message: "the answer is longer than 16 MiB"}
	}
	n, err := a.Body.Read(p[:min(len(p), a.left)])
	a.left -= n
	a.head = append(a.head, p[:min(n, maxHead-len(a.head))]...)
	return n, err
}

func (a *answer) close() {
	if a.timer != nil {
		a.timer.Stop()
	}
	a.cancel()
	_ = a.Body.Close()
}

// finished marks the answer as complete: what follows may be missing. Call it again
// for text after the reason to stop.
func (a *answer) finished() {
	a.complete = true
	if a.timer == nil {
		a.timer = time.AfterFunc(grace, a.cancel)
	}
	a.timer.Reset(grace)
}

// events passes every event, or every JSON document of a server that does not stream
// events, to handle until handle reports the end. An answer that ends before it was
// finished is an error.
func (a *answer) events(handle func(sse.Event) (end bool, err error)) error {
	in := bufio.NewReader(a)
	start, err := firstByte(in)
	switch {
	case err != nil:
		err = a.lost(err)
	case start == '{' || start == '[':
		a.whole = true
		err = a.documents(in, handle)
	case start == '<' || !a.looksLikeEvents(in):
		_, _ = io.CopyN(io.Discard, in, maxHead)
		err = a.protocolError(string(a.head))
	default:
		err = a.stream(sse.NewReader(in), handle)
	}
	var failure *Error
	if a.complete && errors.As(err, &failure) && failure.Kind == Unreachable {
		a.late, err = err, nil
	}
	return err
}

// firstByte skips a byte order mark, white space, the separators of a JSON sequence
// (RFC 7464) and comments, and returns the byte after: gateways send comments before a
// whole answer, too.
func firstByte(in *bufio.Reader) (byte, error) {
	inComment := false
	for {
		b, err := in.ReadByte()
		switch {
		case err != nil:
			return 0, err
		case inComment:
			inComment = b != '\n' && b != '\r'
		case b == ':':
			inComment = true
		case strings.IndexByte(" \t\r\n\x1e\ufeff", b) < 0:
			return b, in.UnreadByte()
		}
	}
}

var eventField = regexp.MustCompile(`(?i)^(data|even|id: ?|retr|:)`)

// looksLikeEvents trusts the content of an answer more than its type: gateways label
// streams as text or JSON.
func (a *answer) looksLikeEvents(in *bufio.Reader) bool {
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if kind == "text/event-stream" {
		return true
	}
	// The shortest line of an event has as many bytes, so this does not wait in vain.
	beginning, _ := in.Peek(len("data"))
	return eventField.Match(beginning)
}

func (a *answer) stream(reader *sse.Reader, handle func(sse.Event) (bool, error)) error {
	noise := ""
	for {
		event, err := reader.Next()
		if err == io.ErrUnexpectedEOF {
			event, err = lastEvent(reader.Rest(), err)
		}
		if err == io.EOF && noise != "" {
			return a.protocolError(noise)
		}
		if err != nil {
			return a.lost(err)
		}
		event.Data = eventData(event.Data)
		end, err := false, error(nil)
		switch {
		case isEnd(event.Data):
			return nil
		case isNoise(event):
		case event.Name == "error":
			err = streamFault([]byte(event.Data))
		case strings.ContainsAny(event.Data[:1], "{[<"):
			end, err = a.decode(event, handle)
		case noise == "":
			noise = event.Data
		}
		if end || err != nil {
			return err
		}
	}
}

// lastEvent returns the event of a last line without an end, if the line is whole.
func lastEvent(line string, err error) (sse.Event, error) {
	data, found := strings.CutPrefix(line, "data:")
	data = eventData(data)
	if found && (json.Valid([]byte(data)) || isEnd(data)) {
		return sse.Event{Data: data}, nil
	}
	return sse.Event{}, err
}

// eventData removes white space and, from proxies that wrap a stream twice, a second
// field name.
func eventData(data string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(data), "data:"))
}

// isNoise reports whether an event only keeps the connection open. Some servers send
// comments as data.
func isNoise(e sse.Event) bool {
	switch strings.ToLower(e.Name) {
	case "ping", "heartbeat", "keepalive", "keep-alive", "keep_alive":
		return true
	}
	return e.Data == "" || e.Data[0] == ':'
}

// end sets the reason to stop. A server that gave up may have said why.
func (a *answer) end(reply *Reply, reason string) error {
	err := reply.end(reason)
	var late *Error
	if err != nil && errors.As(a.late, &late) && late.reported {
		return late
	}
	return err
}

// lost returns the error of an answer that ended early.
func (a *answer) lost(err error) error {
	if errors.Is(err, sse.ErrTooLong) {
		return &Error{Kind: Unreachable, Message: err.Error()}
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = errors.New("the connection closed before the answer was complete")
	}
	return a.client.connectionError(a.ctx, "lost the connection to", err)
}

// protocolError is the error for data that violates the protocol.
func (a *answer) protocolError(data string) error {
	return &Error{
		Kind:    Unreachable,
		Message: truncate(fmt.Sprintf("%s sent an invalid answer: %s", a.client.host(), plainText(strings.TrimSpace(data)))),
	}
}
