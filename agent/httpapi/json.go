package httpapi

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// WriteJSON answers with value as JSON.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// ReadJSON decodes a JSON body of at most limit bytes into value. On failure it
// answers the request and returns false.
func ReadJSON(w http.ResponseWriter, r *http.Request, limit int64, value any) bool {
	if !requireJSON(w, r) {
		return false
	}
	// Read to the end: the server notices a client that disconnects only after that.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err == nil {
		err = json.Unmarshal(body, value)
	}
	if err != nil {
		WriteError(w, http.StatusBadRequest, "bad_request", "the body is not the expected JSON, or is too large")
		return false
	}
	return true
}

// requireJSON refuses any other content type. A browser sends this one across
// origins only after a preflight request, so a form on a foreign page cannot
// use a visitor's cookie.
func requireJSON(w http.ResponseWriter, r *http.Request) bool {
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType == "application/json" {
		return true
	}
	WriteError(w, http.StatusUnsupportedMediaType, "bad_request", "send Content-Type: application/json")
	return false
}

// Sentence returns an error's text as a sentence, for people to read.
func Sentence(err error) string {
	text := err.Error()
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}
