// Command hello is the least that a function can be: it says the same to every event.
package main

import (
	"net/http"
	"os"
	"strings"
)

func main() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		event, err := http.Get(base + "next")
		if err != nil || event.StatusCode != http.StatusOK {
			return
		}
		event.Body.Close()
		id := event.Header.Get("Lambda-Runtime-Aws-Request-Id")
		answer := strings.NewReader(`{"statusCode":200,"body":"Hello from Go"}`)
		done, err := http.Post(base+id+"/response", "application/json", answer)
		if err != nil {
			return
		}
		done.Body.Close()
	}
}
