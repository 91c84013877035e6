package providers_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"agent.local/a0000000000000000/providers"
)

func ExampleNew() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"choices":[{"delta":{"content":"Hello"},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
	}))
	defer server.Close()
	provider, err := providers.New("openai", providers.Settings{BaseURL: server.URL, Model: "small"})
	if err != nil {
		panic(err)
	}
	request := providers.Request{Messages: []providers.Message{{Role: providers.User, Text: "Hi"}}, MaxTokens: 10}
	reply, err := provider.Stream(context.Background(), request, func(text string) error {
		fmt.Println(text)
		return nil
	})
	fmt.Println(reply.Finish, err)
	// Output:
	// Hello
	// stop <nil>
}
