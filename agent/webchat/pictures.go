package webchat

import (
	"crypto/sha256"
	"encoding/hex"

	"agent.local/a0000000000000000/protocol"
)

// leftOut stands for an image that the page did not send again.
const leftOut = "(An image was here, which is no longer sent.)"

// album has images by their digests.
type album map[string]protocol.Image

// add keeps images and returns their digests.
func (a album) add(images []protocol.Image) (digests []string) {
	for _, image := range images {
		sum := sha256.Sum256([]byte(image.Data))
		digest := hex.EncodeToString(sum[:])
		a[digest] = image
		digests = append(digests, digest)
	}
	return digests
}

// complete returns the messages with those of their images that there are.
func (a album) complete(messages []message) []protocol.Message {
	completed := make([]protocol.Message, len(messages))
	for i, m := range messages {
		completed[i] = protocol.Message{Role: m.Role, Content: m.Content}
		for _, digest := range m.Pictures {
			if image, known := a[digest]; known {
				completed[i].Images = append(completed[i].Images, image)
			}
		}
		if len(completed[i].Images) < len(m.Pictures) {
			completed[i].Content += "\n\n" + leftOut
		}
	}
	return completed
}
