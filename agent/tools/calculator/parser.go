package calculator

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

const (
	maxLength = 2000
	maxDepth  = 100
	// A larger literal such as 1e999999999 would exhaust the memory.
	maxExponent = 1000
)

// Other spellings of operators that models and people use.
var spellings = strings.NewReplacer("**", "^", "×", "*", "·", "*", "÷", "/", "−", "-", "π", "pi", "√", "sqrt")

// parser evaluates an expression while reading it:
//
//	sum     = product {("+" | "-") product}
//	product = unary {("*" | "/" | "%") unary}
//	unary   = ("+" | "-") unary | power
//	power   = atom ["^" unary]
//	atom    = number | constant | function "(" sum {"," sum} ")" | "(" sum ")"
type parser struct {
	text  string
	at    int
	depth int
}

func parse(text string) (number, error) {
	if len(text) > maxLength {
		return number{}, fmt.Errorf("the expression is longer than %d characters", maxLength)
	}
	p := &parser{text: spellings.Replace(text)}
	value, err := p.sum()
	if err != nil {
		return number{}, err
	}
	if p.peek(); p.at < len(p.text) {
		return number{}, p.unexpected()
	}
	return value, nil
}

type operation func(a, b number) (number, error)

var (
	sums     = map[byte]operation{'+': add, '-': subtract}
	products = map[byte]operation{'*': multiply, '/': divide, '%': remainder}
)

func (p *parser) sum() (number, error)     { return p.chain(p.product, sums) }
func (p *parser) product() (number, error) { return p.chain(p.unary, products) }

func (p *parser) chain(operand func() (number, error), operators map[byte]operation) (number, error) {
	left, err := operand()
	for err == nil {
		apply, ok := operators[p.peek()]
		if !ok {
			break
		}
		p.at++
		var right number
		if right, err = operand(); err == nil {
			left, err = apply(left, right)
		}
	}
	return left, err
}

// unary counts the depth, since every recursion passes through it.
func (p *parser) unary() (number, error) {
	if p.depth++; p.depth > maxDepth {
		return number{}, fmt.Errorf("the expression is nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	switch p.peek() {
	case '+':
		p.at++
		return p.unary()
	case '-':
		p.at++
		value, err := p.unary()
		return negate(value), err
	}
	base, err := p.atom()
	if err != nil || p.peek() != '^' {
		return base, err
	}
	p.at++
	exponent, err := p.unary()
	if err != nil {
		return number{}, err
	}
	return power(base, exponent)
}

func (p *parser) atom() (number, error) {
	c := p.peek()
	switch {
	case c == '(':
		p.at++
		value, err := p.sum()
		if err == nil {
			err = p.expect(')')
		}
		return value, err
	case isDigit(c) || c == '.':
		return p.literal()
	case isLetter(c):
		return p.named()
	}
	return number{}, p.unexpected()
}

func (p *parser) literal() (number, error) {
	start := p.at
	p.skip(func(c byte) bool { return isDigit(c) || c == '.' })
	mantissa, exponent := p.text[start:p.at], ""
	// "2e" followed by anything but a number is 2 and the constant e.
	rest := strings.TrimLeft(p.text[p.at:], "eE")
	if len(p.text[p.at:])-len(rest) == 1 && rest != "" && (isDigit(rest[0]) || len(rest) > 1 && strings.IndexByte("+-", rest[0]) >= 0 && isDigit(rest[1])) {
		mark := p.at + 1
		p.at = mark + 1
		p.skip(isDigit)
		exponent = p.text[mark:p.at]
	}
	if size, err := strconv.Atoi(exponent); exponent != "" && (err != nil || size > maxExponent || size < -maxExponent) {
		return number{}, errTooLarge
	}
	if exponent != "" {
		mantissa += "e" + exponent
	}
	value, ok := new(big.Rat).SetString(mantissa)
	if !ok {
		return number{}, fmt.Errorf("%q is not a number", p.text[start:p.at])
	}
	return exact(value)
}

func (p *parser) named() (number, error) {
	start := p.at
	p.skip(func(c byte) bool { return isLetter(c) || isDigit(c) })
	name := strings.ToLower(p.text[start:p.at])
	if f, ok := functions[name]; ok {
		return p.call(name, f)
	}
	if value, ok := constants[name]; ok {
		return number{float: value}, nil
	}
	return number{}, fmt.Errorf("%q is not a function or constant", name)
}

func (p *parser) call(name string, f function) (number, error) {
	if err := p.expect('('); err != nil {
		return number{}, err
	}
	var arguments []number
	for {
		value, err := p.sum()
		if err != nil {
			return number{}, err
		}
		arguments = append(arguments, value)
		if p.peek() != ',' {
			break
		}
		p.at++
	}
	if err := p.expect(')'); err != nil {
		return number{}, err
	}
	if len(arguments) < f.least || len(arguments) > f.most {
		return number{}, fmt.Errorf("%s does not take %d arguments", name, len(arguments))
	}
	return f.call(arguments)
}

// peek returns the next byte that is not white space, or 0 at the end.
func (p *parser) peek() byte {
	p.skip(func(c byte) bool { return strings.IndexByte(" \t\r\n", c) >= 0 })
	if p.at >= len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *parser) skip(while func(byte) bool) {
	for p.at < len(p.text) && while(p.text[p.at]) {
		p.at++
	}
}

func (p *parser) expect(c byte) error {
	if p.peek() != c {
		return fmt.Errorf("%q is missing: %w", string(c), p.unexpected())
	}
	p.at++
	return nil
}

func (p *parser) unexpected() error {
	if p.at >= len(p.text) {
		return errors.New("the expression ends too early")
	}
	return fmt.Errorf("unexpected %q", []rune(p.text[p.at:])[0])
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
