package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// answerer returns the answer to one event, both as JSON.
type answerer func(ctx context.Context, event []byte) ([]byte, error)

// Answers end this much before the platform's deadline, to report why.
const deadlineReserve = 500 * time.Millisecond

// lambda is a client of the Lambda Runtime API, which hands out one invocation at a
// time, to a long poll.
type lambda struct {
	base   string
	client *http.Client
	// after is called after each answer: the platform freezes the process until the next.
	after func(context.Context)
}

// serve answers invocations until the API fails, and returns that error.
func serve(ctx context.Context, api string, start func() (answerer, error), after func(context.Context)) error {
	if api == "" {
		return errors.New("AWS_LAMBDA_RUNTIME_API is not set: this program runs only as a serverless function")
	}
	// No timeout: the platform freezes the process while it waits for the next
	// invocation.
	l := lambda{base: "http://" + api + "/2018-06-01/runtime", client: &http.Client{}, after: after}
	answer, err := start()
	if err != nil {
		_ = l.report(ctx, "/init/error", err)
		return err
	}
	for {
		if err := l.next(ctx, answer); err != nil {
			return err
		}
	}
}

func (l lambda) next(ctx context.Context, answer answerer) error {
	invocation, event, err := l.fetch(ctx)
	if err != nil {
		return err
	}
	limited, cancel := withDeadline(ctx, invocation.Get("Lambda-Runtime-Deadline-Ms"))
	defer cancel()
	path := "/invocation/" + invocation.Get("Lambda-Runtime-Aws-Request-Id")
	reply, err := answer(limited, event)
	if err != nil {
		return l.report(ctx, path+"/error", err)
	}
	err = l.post(ctx, path+"/response", reply)
	l.after(limited)
	return err
}

func (l lambda) fetch(ctx context.Context) (http.Header, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+"/invocation/next", nil)
	if err != nil {
		return nil, nil, err
	}
	response, err := l.client.Do(request)
	if err != nil {
		return nil, nil, fmt.Errorf("wait for an invocation: %w", err)
	}
	defer response.Body.Close()
	event, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read an invocation: %w", err)
	}
	return response.Header, event, nil
}

func withDeadline(ctx context.Context, milliseconds string) (context.Context, context.CancelFunc) {
	at, err := strconv.ParseInt(milliseconds, 10, 64)
	if err != nil {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, time.UnixMilli(at).Add(-deadlineReserve))
}

func (l lambda) report(ctx context.Context, path string, failure error) error {
	body, _ := json.Marshal(map[string]any{"errorMessage": failure.Error(), "errorType": "agent.Failure"})
	return l.post(ctx, path, body)
}

func (l lambda) post(ctx context.Context, path string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := l.client.Do(request)
	if err != nil {
		return fmt.Errorf("answer an invocation: %w", err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	return response.Body.Close()
}
