package a2a

import (
	"strings"
	"testing"

	"agent.local/a0000000000000000/images"
	"agent.local/a0000000000000000/protocol"
)

func pictures(count, size int) []protocol.Image {
	all := make([]protocol.Image, count)
	for i := range all {
		all[i].Data = strings.Repeat("A", size)
	}
	return all
}

// What an agent remembers never makes a later question too large.
func TestWithoutOldImages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		messages []protocol.Message
		kept     []int
	}{
		{"few", []protocol.Message{{Images: pictures(1, 9)}, {Images: pictures(2, 9)}}, []int{1, 2}},
		{"too many", []protocol.Message{{Images: pictures(1, 9)}, {Images: pictures(9, 9)}, {Images: pictures(8, 9)}}, []int{0, 0, 8}},
		{"too large", []protocol.Message{{Images: pictures(1, 9)}, {Content: "x"}, {Images: pictures(2, 5<<20)}}, []int{0, 0, 2}},
		{"the newest always", []protocol.Message{{Images: pictures(1, 9)}, {Images: pictures(images.Most+1, 9)}}, []int{0, images.Most + 1}},
	}
	for _, test := range tests {
		withoutOldImages(test.messages)
		for i, m := range test.messages {
			if len(m.Images) != test.kept[i] || m.Content == "" && len(m.Images) == 0 {
				t.Errorf("%s: message %d has %d images and says %q", test.name, i, len(m.Images), m.Content)
			}
		}
	}
}
