package conversation

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agent.local/a0000000000000000/providers"
	"agent.local/a0000000000000000/seal"
)

func TestWhatWritesAsks(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]struct{ ran, result string }{
		"once":         {`notes_save {"path":"a.txt","text":"x"}`, "saved"},
		"conversation": {`notes_save {"path":"a.txt","text":"x"}`, "saved"},
		"deny":         {"", "declined this call and says: use the other file"},
		"nonsense":     {"", "declined"},
	} {
		p, provider := newPerson(t, nil, calls("Wait.", save("x"), providers.Call{Name: "calculator"}), answers("Fine."))
		done := p.ask("save x")
		if done["finish"] != "approval" || len(p.runs.list) != 0 || done["text"] != "Wait." {
			t.Fatalf("%v", p.events)
		}
		asked := p.of("approval")[0]
		arguments, _ := json.Marshal(asked["arguments"])
		if asked["tool"] != "notes_save" || string(arguments) != `{"path":"a.txt","text":"x"}` || asked["covers"] != "path a.txt" ||
			!strings.Contains(asked["reason"].(string), "writes") || asked["expires"] == "" {
			t.Errorf("%v", asked)
		}
		done = p.answer(word)
		if got := strings.Join(p.runs.list, ";"); got != want.ran || done["text"] != "Wait.\n\nFine." || done["finish"] != "stop" {
			t.Errorf("%s: ran %q, %v", word, got, done)
		}
		if result := p.of("tool_result")[0]["result"].(string); !strings.Contains(result, want.result) {
			t.Errorf("%s: %s", word, result)
		}
		sent := provider.requests[1].Messages
		if len(sent) != 4 || len(sent[1].Calls) != 2 || sent[3].CallID != sent[1].Calls[0].ID {
			t.Errorf("%s: sent %+v", word, sent)
		}
	}
}

func TestNobodyCanBeAsked(t *testing.T) {
	t.Parallel()
	p, provider := newPerson(t, nil, calls("", save("x")), answers("I would have saved x."))
	p.messages = []map[string]string{{"role": "user", "content": "save x"}}
	if done := p.send(nil); done["finish"] != "stop" || len(p.runs.list) != 0 || done["state"] != nil {
		t.Errorf("%v", p.events)
	}
	if sent := provider.requests[1].Messages[2]; !sent.Failed || !strings.Contains(sent.Text, "nobody can be asked") {
		t.Errorf("%+v", sent)
	}
	for _, name := range []string{"notes", "notes_save"} {
		p, _ := newPerson(t, nil, calls("", save("x")), answers("Saved."))
		p.messages = []map[string]string{{"role": "user", "content": "save x"}}
		if p.send(map[string]any{"allow": []string{name}}); len(p.runs.list) != 1 {
			t.Errorf("%s: %v", name, p.events)
		}
	}
}

func TestTimeOutIsDenial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, provider := newPerson(t, nil, calls("", save("x")), answers("ok"))
		p.ask("save")
		time.Sleep(approvalTime)
		if done := p.answer("once"); done["finish"] != "stop" || len(p.runs.list) != 0 {
			t.Errorf("%v", p.events)
		}
		if sent := provider.requests[1].Messages[2]; !strings.Contains(sent.Text, "in time") {
			t.Errorf("%+v", sent)
		}
	})
}

// A state works in another process that has the same key and directory, and nowhere else.
func TestResumeElsewhere(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for _, sameKey := range []bool{true, false} {
		p, other := process(t, directory, calls("", save("x"))), process(t, directory, answers("ok"))
		if !sameKey {
			other.agent.sealer, _ = seal.New("")
		}
		p.ask("save")
		p.agent, p.runs = other.agent, other.runs
		done := p.answer("once")
		if sameKey != (done["finish"] == "stop") || sameKey != (len(p.runs.list) == 1) || !sameKey && done["code"] != "bad_request" {
			t.Errorf("%v", p.events)
		}
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*person){
		"another question":  func(p *person) { p.messages[0]["content"] = "other" },
		"another agent":     func(p *person) { p.agent.config.SHA256 = "other" },
		"a changed state":   func(p *person) { p.state = "A" + p.state[1:] },
		"an unknown id":     func(p *person) { p.events = []map[string]any{{"type": "approval", "id": "x"}} },
		"the tool has gone": func(p *person) { p.agent.tools = p.agent.tools[:1] },
		"many answers":      func(p *person) { p.events = slices.Repeat(p.events, maxAnswers+1) },
	} {
		p, _ := newPerson(t, nil, calls("", save("x")), answers("ok"))
		p.ask("save")
		change(p)
		if done := p.answer("once"); done["code"] != "bad_request" || len(p.runs.list) != 0 {
			t.Errorf("%s: %v", name, p.events)
		}
	}
}

// Processes with one key, or one after another, run a call once, whether they share a
// directory or not.
func TestApprovedOnceByAllProcesses(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	for _, directories := range [][2]string{{shared, shared}, {"", ""}, {shared, ""}, {"", shared}} {
		first, second := process(t, directories[0], calls("", save("x")), answers("ok")), process(t, directories[1], answers("ok"))
		first.ask("save")
		second.messages, second.events, second.state = slices.Clone(first.messages), first.events, first.state
		first.answer("once")
		done := second.answer("once")
		if len(first.runs.list) != 1 || len(second.runs.list) != 0 || done["code"] != "bad_request" {
			t.Errorf("%q: %v, %v", directories, first.runs.list, second.events)
		}
	}
}

// process returns a person whose agent has a key that others have, and maybe a directory.
func process(t *testing.T, directory string, steps ...step) *person {
	t.Helper()
	p, _ := newPerson(t, nil, steps...)
	key := strings.Repeat("ab", 16)
	p.agent.sealer, _ = seal.New(key)
	p.agent.spentStates.open(func(name string) string { return map[string]string{seal.KeyEnv: key, DataEnv: directory}[name] })
	return p
}

// Who goes on in another process without a directory keeps itself that it did.
func TestASenderThatKeepsWhatItAnswered(t *testing.T) {
	t.Parallel()
	first, second := process(t, "", calls("", save("x"))), process(t, "", answers("ok"))
	for _, p := range []*person{first, second} {
		p.agent.spentStates.open(func(name string) string { return map[string]string{seal.OneAnswerEnv: "1"}[name] })
	}
	first.ask("save")
	second.messages, second.events, second.state = first.messages, first.events, first.state
	if done := second.answer("once"); done["finish"] != "stop" || len(second.runs.list) != 1 {
		t.Errorf("%v", second.events)
	}
}

// Of two requests that answer the same state differently, one counts, and as a whole.
func TestOneSetOfAnswersCounts(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	both := []providers.Call{save("x"), {Name: "notes_save", Arguments: `{"text":"y","path":"b.txt"}`}}
	first, second := process(t, directory, calls("", both...), answers("ok")), process(t, directory, answers("ok"))
	first.ask("save")
	second.messages, second.state = slices.Clone(first.messages), first.state
	asked := first.of("approval")
	second.events = asked
	state := first.state
	first.events = asked[1:]
	if done := first.answer("once"); done["finish"] != "approval" || len(first.runs.list) != 1 {
		t.Errorf("%v", first.events)
	}
	if done := second.answer("once"); done["code"] != "bad_request" || len(second.runs.list) != 0 {
		t.Errorf("ran %v, %v", second.runs.list, second.events)
	}
	// What still waits is answered in the new state, and not in the old one.
	for _, each := range []string{state, first.state} {
		ran := len(first.runs.list)
		isNew := each != state
		first.state, first.events = each, asked[:1]
		if done := first.answer("once"); isNew != (done["finish"] == "stop") || isNew != (len(first.runs.list) == ran+1) {
			t.Errorf("new %v: ran %v, %v", isNew, first.runs.list, first.events)
		}
	}
}

// An agent that was changed while a call waited answers the next question.
func TestAQuestionAfterACallThatWaitedElsewhere(t *testing.T) {
	t.Parallel()
	for _, config := range []string{"", "other"} {
		p, _ := newPerson(t, nil, calls("", save("x")), answers("ok"))
		p.ask("save")
		p.agent.config.SHA256 += config
		if done := p.ask("never mind"); done["finish"] != "stop" || len(p.runs.list) != 0 {
			t.Errorf("%q: %v", config, p.events)
		}
	}
}

// What can't be recorded does not run, and files that nothing needs any more go.
func TestRecordsOfApprovals(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(t.TempDir(), "data[1]")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	s := spentStates{directory: directory}
	old := filepath.Join(directory, spentPrefix+"OLD")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	if err := s.claim(t.Context(), "A", time.Now().Add(time.Minute)); err != nil {
		t.Error(err)
	}
	names, _ := fs.Glob(os.DirFS(directory), "*")
	if len(names) != 1 || names[0] != spentPrefix+"A" {
		t.Errorf("%v", names)
	}
	p, _ := newPerson(t, nil, calls("", save("x")), answers("ok"))
	p.agent.spentStates.directory = filepath.Join(directory, "missing")
	p.ask("save")
	if done := p.answer("once"); done["code"] != "internal" || len(p.runs.list) != 0 || !strings.Contains(fmt.Sprint(done["message"]), DataEnv) {
		t.Errorf("%v", p.events)
	}
}

// Whatever is answered, in parts, again and at the same time: a call runs exactly once
// if it was approved, and never otherwise.
func TestApprovedIsExecutedExactlyOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		count := 1 + random.IntN(4)
		var requested []providers.Call
		for i := range count {
			requested = append(requested, providers.Call{Name: "notes_save", Arguments: fmt.Sprintf(`{"text":"%d","path":"%d"}`, i, i)})
		}
		p, _ := newPerson(t, nil, calls("", requested...), answers("ok"))
		done := p.ask("save")
		want := map[string]int{}
		for done["finish"] == "approval" {
			var answers []map[string]string
			for _, event := range p.of("approval") {
				if len(answers) > 0 && random.IntN(2) == 0 {
					continue
				}
				word := []string{"once", "conversation", "deny"}[random.IntN(3)]
				answers = append(answers, map[string]string{"id": event["id"].(string), "answer": word})
				if word != "deny" {
					arguments, _ := json.Marshal(event["arguments"])
					want["notes_save "+string(arguments)] = 1
				}
			}
			done = p.sendAtOnce(map[string]any{"ask": true, "state": p.state, "answers": answers}, 1+random.IntN(3))
		}
		got := map[string]int{}
		for _, run := range p.runs.list {
			got[run]++
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("seed %d: ran %v, approved %v", seed, got, want)
		}
	}
}
