package blobs

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// ContextEnv is the variable with an Access, as JSON in base64.
const ContextEnv = "NETLIFY_BLOBS_CONTEXT"

// Access says where the stores of a site are and what opens them: at the edge, as the
// platform tells its functions, or through the API with a person's token.
type Access struct {
	EdgeURL string `json:"edgeURL"`
	APIURL  string `json:"apiURL"`
	SiteID  string `json:"siteID"`
	Token   string `json:"token"`
}

// InEvent returns the access that the platform gives with an event, in a field of it.
func InEvent(field, siteID string) (Access, bool) {
	var given struct{ URL, Token string }
	if !decode(field, &given) || given.URL == "" {
		return Access{}, false
	}
	access := Access{EdgeURL: given.URL, SiteID: siteID, Token: given.Token}
	return access, access.isComplete()
}

// InEnvironment returns the access that the variable ContextEnv has.
func InEnvironment(getenv func(string) string) (Access, bool) {
	var access Access
	return access, decode(getenv(ContextEnv), &access) && access.isComplete()
}

func (a Access) isComplete() bool { return a.SiteID != "" && a.Token != "" }

// decode reads JSON in base64, in the alphabet of addresses or the other, with padding or
// without.
func decode(text string, value any) bool {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(decoded, value) == nil
}
