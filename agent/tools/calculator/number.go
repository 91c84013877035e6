package calculator

import (
	"errors"
	"math"
	"math/big"
	"strconv"
)

// maxBits bounds exact numbers to about 1200 digits, which are fast to calculate
// and still readable for a model.
const maxBits = 4096

var (
	errTooLarge  = errors.New("the result is too large")
	errZero      = errors.New("division by zero")
	errUndefined = errors.New("the result is not a real number")
)

// number is exactly ratio if that is set, else the rounded float.
type number struct {
	ratio *big.Rat
	float float64
}

func exact(r *big.Rat) (number, error) {
	if r.Num().BitLen() > maxBits || r.Denom().BitLen() > maxBits {
		float, _ := r.Float64()
		if r.IsInt() {
			return number{}, errTooLarge
		}
		return rounded(float)
	}
	return number{ratio: r}, nil
}

func rounded(f float64) (number, error) {
	switch {
	case math.IsNaN(f):
		return number{}, errUndefined
	case math.IsInf(f, 0):
		return number{}, errTooLarge
	}
	return number{float: f}, nil
}

func (n number) value() float64 {
	if n.ratio != nil {
		f, _ := n.ratio.Float64()
		return f
	}
	return n.float
}

func (n number) sign() int {
	if n.ratio != nil {
		return n.ratio.Sign()
	}
	return int(math.Copysign(1, n.float)) * b2i(n.float != 0)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Enough for money and measurements; longer decimals are rounded.
const maxDecimals = 30

func (n number) String() string {
	if n.ratio != nil {
		if n.ratio.IsInt() {
			return n.ratio.Num().String()
		}
		if digits, ends := n.ratio.FloatPrec(); ends && digits <= maxDecimals {
			return n.ratio.FloatString(digits)
		}
	}
	return "approximately " + strconv.FormatFloat(n.value(), 'g', 15, 64)
}

func negate(a number) number {
	if a.ratio != nil {
		return number{ratio: new(big.Rat).Neg(a.ratio)}
	}
	return number{float: -a.float}
}

func add(a, b number) (number, error) {
	if a.ratio != nil && b.ratio != nil {
		return exact(new(big.Rat).Add(a.ratio, b.ratio))
	}
	return rounded(a.value() + b.value())
}

func subtract(a, b number) (number, error) { return add(a, negate(b)) }

func multiply(a, b number) (number, error) {
	if a.ratio != nil && b.ratio != nil {
		return exact(new(big.Rat).Mul(a.ratio, b.ratio))
	}
	return rounded(a.value() * b.value())
}

func divide(a, b number) (number, error) {
	if b.sign() == 0 {
		return number{}, errZero
	}
	if a.ratio != nil && b.ratio != nil {
		return exact(new(big.Rat).Quo(a.ratio, b.ratio))
	}
	return rounded(a.value() / b.value())
}

// remainder has the sign of the divisor, as in mathematics and Python.
func remainder(a, b number) (number, error) {
	if b.sign() == 0 {
		return number{}, errZero
	}
	if a.ratio != nil && b.ratio != nil {
		whole := new(big.Rat).SetInt(floorOf(new(big.Rat).Quo(a.ratio, b.ratio)))
		return exact(new(big.Rat).Sub(a.ratio, whole.Mul(whole, b.ratio)))
	}
	x, y := a.value(), b.value()
	r := math.Mod(x, y)
	if r != 0 && math.Signbit(r) != math.Signbit(y) {
		r += y
	}
	return rounded(r)
}

func floorOf(r *big.Rat) *big.Int {
	// Denominators are positive, so Euclidean division rounds down.
	return new(big.Int).Div(r.Num(), r.Denom())
}
