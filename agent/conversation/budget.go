package conversation

import (
	"errors"
	"fmt"
	"os"

	"agent.local/a0000000000000000/budget"
	"agent.local/a0000000000000000/config"
	"agent.local/a0000000000000000/providers"
)

const (
	// DataEnv is the variable with the directory of what an agent keeps, as tools/datadir has it, which
	// only agents with tools that keep something are compiled with.
	DataEnv = "AGENT_DATA_DIR"
	// English prose has about four bytes per token.
	bytesPerToken = 4
	// Providers scale large images down to about as many.
	tokensPerImage = 1500
	// An answer with less room is not worth asking for.
	leastAnswer = 16
	million     = 1_000_000
)

// ledgerOf returns the count of what an agent uses. Only that of a day needs a file.
func ledgerOf(c config.Config, getenv func(string) string) *budget.Ledger {
	ledger := &budget.Ledger{Agent: c.Identity.Handle}
	if c.Limits.HasDay() {
		ledger.Directory = getenv(DataEnv)
	}
	return ledger
}

// estimate returns about how many tokens a request has.
func estimate(request providers.Request) int {
	size := len(request.System)
	for _, f := range request.Functions {
		size += len(f.Name) + len(f.Description) + len(f.Schema)
	}
	for _, m := range request.Messages {
		size += sizeOf(m)
	}
	return size/bytesPerToken + 1
}

func sizeOf(m providers.Message) int {
	size := len(m.Text) + len(m.Reasoning) + len(m.Images)*tokensPerImage*bytesPerToken
	for _, call := range m.Calls {
		size += len(call.Name) + len(call.Arguments) + len(call.Extra)
	}
	return size
}

// worth returns what tokens cost at the price of the provider that answers now.
func (t *turn) worth(usage providers.Usage) budget.Amount {
	amount := budget.Amount{Tokens: usage.Input + usage.Output}
	if price := t.price(); price != nil {
		amount.Dollars = (float64(usage.Input)*price.Input + float64(usage.Output)*price.Output) / million
	}
	return amount
}

func (t *turn) price() *config.Price {
	if t.replaced {
		return t.fallback.config.Price
	}
	return t.config.Provider.Price
}

// reserve lowers the length of the next answer to what the limits leave, and reserves
// that; an error says which limit leaves nothing.
func (t *turn) reserve(request *providers.Request) (budget.Amount, error) {
	if !t.config.Limits.HasBudget() {
		return budget.Amount{}, nil
	}
	input := estimate(*request)
	amount, err := t.ledger.Reserve(func(today budget.Amount) (budget.Amount, error) {
		for _, bound := range t.bounds(today) {
			room := bound.room(t, input)
			if room < min(leastAnswer, request.MaxTokens) {
				return budget.Amount{}, bound.exceeded()
			}
			request.MaxTokens = min(request.MaxTokens, room)
		}
		return t.worth(providers.Usage{Input: input, Output: request.MaxTokens}), nil
	})
	var exceeded *Failure
	if err != nil && !errors.As(err, &exceeded) {
		// Its paths are for the owner, not for who asks.
		fmt.Fprintf(os.Stderr, "agent: %v\n", err)
		return amount, failure(codeInternal, "the agent can't read what it used today, and so can't keep its limit for one day; tell its owner")
	}
	return amount, err
}

// account counts what an answer used. A server that does not say is estimated.
func (t *turn) account(reserved budget.Amount, request providers.Request, reply providers.Reply, text int) {
	if !t.config.Limits.HasBudget() {
		return
	}
	usage := reply.Usage
	if usage == (providers.Usage{}) && (text > 0 || len(reply.Calls) > 0) {
		usage = providers.Usage{Input: estimate(request), Output: text/bytesPerToken + 1}
	}
	used := t.worth(usage)
	t.spent = t.spent.Plus(used)
	if err := t.ledger.Settle(reserved, used); err != nil {
		fmt.Fprintf(os.Stderr, "agent: %v\n", err)
	}
}

// bound is one limit, and what was used of it.
type bound struct {
	isDay   bool
	tokens  int
	dollars float64
	used    budget.Amount
}

func (t *turn) bounds(today budget.Amount) []bound {
	limits, conversation := t.config.Limits, t.before.Plus(t.spent)
	var set []bound
	for _, b := range []bound{
		{tokens: limits.ConversationTokens, used: conversation},
		{dollars: limits.ConversationCost, used: conversation},
		{tokens: limits.DayTokens, used: today, isDay: true},
		{dollars: limits.DayCost, used: today, isDay: true},
	} {
		if b.tokens > 0 || b.dollars > 0 {
			set = append(set, b)
		}
	}
	return set
}

// room returns how many tokens an answer may have after so many that go in.
func (b bound) room(t *turn, input int) int {
	if b.tokens > 0 {
		return b.tokens - b.used.Tokens - input
	}
	left := b.dollars - b.used.Dollars - t.worth(providers.Usage{Input: input}).Dollars
	price := t.price()
	if price == nil || price.Output == 0 {
		return int(left * million)
	}
	return int(left * million / price.Output)
}

func (b bound) exceeded() error {
	code, used, limit := codeTokenLimit, fmt.Sprintf("%d", b.used.Tokens), fmt.Sprintf("%d tokens", b.tokens)
	if b.tokens == 0 {
		code, used, limit = codeCostLimit, dollars(b.used.Dollars), fmt.Sprintf("$%.2f", b.dollars)
	}
	if b.isDay {
		return failure(code, fmt.Sprintf(
			"the agent has used %s of its limit of %s for one day, and this answer would exceed it; ask again after midnight UTC", used, limit))
	}
	return failure(code, fmt.Sprintf(
		"this conversation has used %s of its limit of %s, and this answer would exceed it; begin a new conversation", used, limit))
}

// dollars shows small amounts exactly enough to tell them from nothing.
func dollars(amount float64) string {
	if amount < 1 {
		return fmt.Sprintf("$%.4f", amount)
	}
	return fmt.Sprintf("$%.2f", amount)
}

// keepCount remembers what the conversation used, under what the next request will show
// of it: the last exchange. An answer that failed or waits leaves that as it was.
func (t *turn) keepCount(answered bool) {
	key := exchangeBefore(t.asked.messages)
	if answered {
		key = digest(t.asked.messages[len(t.asked.messages)-1].Text, t.text.String())
	}
	if key != "" && t.config.Limits.HasBudget() {
		t.ledger.Remember(key, t.before.Plus(t.spent))
	}
}

// exchangeBefore identifies the exchange before the last message; empty without one.
func exchangeBefore(messages []providers.Message) string {
	if len(messages) < 3 {
		return ""
	}
	return digest(messages[len(messages)-3].Text, messages[len(messages)-2].Text)
}
