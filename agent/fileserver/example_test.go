package fileserver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"agent.local/a0000000000000000/fileserver"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "site")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for name, content := range map[string]string{"index.html": "<h1>Hello</h1>", "_headers": "/*\n  X-Frame-Options: DENY\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			panic(err)
		}
	}
	server, err := fileserver.Open(dir)
	if err != nil {
		panic(err)
	}
	response := httptest.NewRecorder()
	server.ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(response.Body, response.Header().Get("X-Frame-Options"))
	// Output: <h1>Hello</h1> DENY
}
