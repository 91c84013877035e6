package auth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"agent.local/a0000000000000000/auth"
)

func ExampleGate_Guard() {
	env := map[string]string{"AGENT_ACCESS": "password", "AGENT_PASSWORD": "open sesame"}
	gate, err := auth.NewGate(func(name string) string { return env[name] }, auth.ProxiedAddress(0))
	if err != nil {
		panic(err)
	}
	handler := gate.Guard(http.NotFoundHandler(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
	for _, password := range []string{"guess", "open sesame"} {
		request := httptest.NewRequest(http.MethodGet, "/manifest", nil)
		request.Header.Set("Authorization", "Bearer "+password)
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		fmt.Println(response.Code)
	}
	// Output:
	// 401
	// 204
}

func ExampleSealer() {
	sealer, err := auth.NewSealer("00112233445566778899aabbccddeeff")
	if err != nil {
		panic(err)
	}
	sealed := sealer.Seal("greeting", "hello")
	fmt.Println(sealer.Open("greeting", sealed))
	fmt.Println(sealer.Open("farewell", sealed))
	// Output:
	// hello true
	//  false
}
