package a2a

import (
	"net/http"
	"strconv"

	"agent.local/a0000000000000000/httpapi"
)

// stream answers a message with the steps of its task. A client that disconnects does
// not end the task.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, asked request) {
	if s.options.Stateless {
		write(w, asked, nil, a2aFailure(-32004, "UNSUPPORTED_OPERATION", "this agent does not stream: use the method that sends a message"))
		return
	}
	t, refused := s.begin(r.Context(), asked)
	if refused != nil {
		write(w, asked, nil, refused)
		return
	}
	follow(w, r, asked, t, 0)
}

// subscribe follows a task that is worked on.
func (s *Server) subscribe(w http.ResponseWriter, r *http.Request, asked request) {
	t := s.store.task(asked.Params.ID)
	if t == nil {
		write(w, asked, nil, errNoTask)
		return
	}
	updates, now, _ := t.next(0)
	if now.isTerminal() {
		write(w, asked, nil, errEnded)
		return
	}
	follow(w, r, asked, t, len(updates))
}

// follow sends the task, then its updates from a position on, until it ends or waits.
func follow(w http.ResponseWriter, r *http.Request, asked request, t *task, position int) {
	out := httpapi.NewStream(w)
	defer out.Close()
	send := func(result any) error { return out.SendJSON(asked.answer(result, nil)) }
	first := t.snapshot(asked.version, asked.Params.Configuration.HistoryLength)
	if position == 0 {
		// The updates repeat what the task already has.
		delete(first, "artifacts")
		first["status"] = asked.version.status(t, working, nil, t.changedAt())
	}
	if send(asked.version.wrap("task", first)) != nil {
		return
	}
	for {
		updates, now, changed := t.next(position)
		position += len(updates)
		for _, u := range updates {
			if send(u.event(asked.version, t)) != nil {
				return
			}
		}
		if now != working {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// list returns the caller's tasks, newest status first, a page at a time.
func (s *Server) list(w http.ResponseWriter, _ *http.Request, asked request) {
	p := asked.Params
	size, offset := 50, 0
	if p.PageSize != nil {
		size = *p.PageSize
	}
	var err error
	if p.PageToken != "" {
		offset, err = strconv.Atoi(p.PageToken)
	}
	switch {
	case size < 1 || size > 100:
		write(w, asked, nil, invalidParams("pageSize", "must be 1 to 100"))
		return
	case err != nil || offset < 0:
		write(w, asked, nil, invalidParams("pageToken", "is not one of this server"))
		return
	case s.options.Shared && p.ContextID == "":
		write(w, asked, nil, errNotListed)
		return
	}
	var found []any
	total := 0
	for _, t := range s.store.newestFirst() {
		snapshot := t.snapshot(v1, p.HistoryLength)
		status := snapshot["status"].(map[string]any)["state"]
		if p.ContextID != "" && t.conversation.id != p.ContextID || p.Status != "" && status != p.Status {
			continue
		}
		if !p.IncludeArtifacts {
			delete(snapshot, "artifacts")
		}
		if total >= offset && len(found) < size {
			found = append(found, snapshot)
		}
		total++
	}
	next := ""
	if offset+len(found) < total {
		next = strconv.Itoa(offset + len(found))
	}
	write(w, asked, map[string]any{"tasks": append([]any{}, found...), "nextPageToken": next, "pageSize": size, "totalSize": total}, nil)
}
