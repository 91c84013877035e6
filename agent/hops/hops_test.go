package hops

import (
	"encoding/json"
	"testing"
)

func TestHops(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for want := 1; want <= 5; want++ {
		count := Next(ctx)
		if count != want || (Check(count) == nil) != (want <= 4) {
			t.Errorf("%d, %v", count, Check(count))
		}
		ctx = With(ctx, count)
	}
	for metadata, want := range map[string]int{
		`{}`: 0, `{"agentforge/hops":2}`: 2, `{"agentforge/hops":2.0}`: 2, `{"agentforge/hops":1e300}`: 5,
		`{"agentforge/hops":-7}`: 0, `{"agentforge/hops":"2"}`: 0, `{"agentforge/hops":null}`: 0, `{"other":3}`: 0,
	} {
		var given map[string]json.RawMessage
		if err := json.Unmarshal([]byte(metadata), &given); err != nil || In(given) != want {
			t.Errorf("%s: %d, %v", metadata, In(given), err)
		}
	}
}
