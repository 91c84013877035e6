// Command instruments measures agents: a provider that answers at once, a stopwatch for
// programs, a load of conversations, and a bare proxy to compare a stream with. In one
// small program, so that what measures takes little from what is measured.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: instruments provider | proxy URL | time ROUNDS COMMAND… | load FLAGS URL")
	}
	var err error
	switch arguments := os.Args[2:]; os.Args[1] {
	case "provider":
		err = serve(newProvider())
	case "proxy":
		err = proxy(arguments)
	case "time":
		err = timeCommand(arguments)
	case "load":
		err = load(arguments)
	default:
		err = fmt.Errorf("there is no %q", os.Args[1])
	}
	if err != nil {
		log.Fatal(err)
	}
}

// serve prints the address, and answers until the process is stopped.
func serve(handler http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	return http.Serve(listener, handler)
}

func proxy(arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("proxy takes one address")
	}
	target, err := url.Parse(arguments[0])
	if err != nil {
		return err
	}
	bare := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, FlushInterval: -1}
	return serve(bare)
}

func printLine(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}
