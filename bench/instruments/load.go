package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A server that hangs must not hang the measurement.
const patience = time.Minute

// sent is a word of the provider's paced answers.
var sent = regexp.MustCompile(`sent=(\d+)`)

// conversations ask one server, each one question after the other.
type conversations struct {
	url           string
	atOnce, total int
	body          []byte
	client        *http.Client

	mu            sync.Mutex
	began, failed int
	// Why the last one failed.
	last error
	// How long answers took, and tokens from the provider.
	times, tokens []time.Duration
}

// load asks a server for chat completions and prints how long the answers took, and how many failed.
func load(arguments []string) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	atOnce := flags.Int("at-once", 1, "")
	total := flags.Int("total", 1, "")
	streaming := flags.Bool("stream", false, "")
	model := flags.String("model", "", "")
	question := flags.String("question", "Hello", "")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("load takes flags and one address")
	}
	body, err := json.Marshal(map[string]any{
		"model":    *model,
		"stream":   *streaming,
		"messages": []map[string]string{{"role": "user", "content": *question}},
	})
	if err != nil {
		return err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: *atOnce}
	c := &conversations{url: flags.Arg(0) + "/v1/chat/completions", atOnce: *atOnce, total: *total, body: body,
		client: &http.Client{Transport: transport, Timeout: patience}}
	began := time.Now()
	c.run()
	return c.report(time.Since(began))
}

func (c *conversations) run() {
	var group sync.WaitGroup
	for range c.atOnce {
		group.Go(func() {
			for c.next() {
				c.ask()
			}
		})
	}
	group.Wait()
}

func (c *conversations) next() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began++
	return c.began <= c.total
}

func (c *conversations) ask() {
	began := time.Now()
	tokens, err := c.answer()
	took := time.Since(began)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed++
		c.last = err
		return
	}
	c.times = append(c.times, took)
	c.tokens = append(c.tokens, tokens...)
}

// answer reads one answer to its end; of a stream it returns the times of its tokens.
func (c *conversations) answer() ([]time.Duration, error) {
	response, err := c.client.Post(c.url, "application/json", bytes.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, response.Body)
		return nil, fmt.Errorf("the server answered %s", response.Status)
	}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		answer, err := io.ReadAll(response.Body)
		if err == nil && !bytes.Contains(answer, []byte("word")) {
			err = fmt.Errorf("the answer is not the provider's: %s", answer)
		}
		return nil, err
	}
	return tokenTimes(response.Body)
}

// tokenTimes returns how long each token of a stream that says so took to come here.
func tokenTimes(body io.Reader) ([]time.Duration, error) {
	var times []time.Duration
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		if found := sent.FindSubmatch(lines.Bytes()); found != nil {
			at, _ := strconv.ParseInt(string(found[1]), 10, 64)
			times = append(times, time.Since(time.Unix(0, at)))
		}
	}
	return times, lines.Err()
}

func (c *conversations) report(took time.Duration) error {
	if c.last != nil {
		log.Printf("%d of %d failed: %v", c.failed, c.total, c.last)
	}
	result := map[string]any{"failed": c.failed, "per_s": float64(len(c.times)) / took.Seconds()}
	if len(c.times) > 0 {
		slices.Sort(c.times)
		result["median_ms"] = milliseconds(c.times[len(c.times)/2])
	}
	if len(c.tokens) > 0 {
		slices.Sort(c.tokens)
		result["token_us"] = float64(c.tokens[len(c.tokens)/2].Nanoseconds()) / 1000
	}
	return printLine(result)
}
