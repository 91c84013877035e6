package calculator

import (
	"fmt"
	"math"
	"math/big"
)

type function struct {
	least, most int
	call        func(arguments []number) (number, error)
}

const anyCount = 1000

var functions = map[string]function{
	"sqrt":  {1, 1, func(a []number) (number, error) { return squareRoot(a[0]) }},
	"abs":   {1, 1, func(a []number) (number, error) { return absolute(a[0]), nil }},
	"floor": {1, 1, func(a []number) (number, error) { return floor(a[0]) }},
	"ceil":  {1, 1, func(a []number) (number, error) { return ceil(a[0]) }},
	"round": {1, 2, round},
	"min":   {1, anyCount, func(a []number) (number, error) { return extreme(a, -1) }},
	"max":   {1, anyCount, func(a []number) (number, error) { return extreme(a, 1) }},
	"log":   {1, 2, logarithm},
	"ln":    naturalLog,
	"log10": floatFunction(math.Log10),
	"log2":  floatFunction(math.Log2),
	"exp":   floatFunction(math.Exp),
	"sin":   floatFunction(math.Sin),
	"cos":   floatFunction(math.Cos),
	"tan":   floatFunction(math.Tan),
	"asin":  floatFunction(math.Asin),
	"acos":  floatFunction(math.Acos),
	"atan":  floatFunction(math.Atan),
}

var naturalLog = floatFunction(math.Log)

var constants = map[string]float64{"pi": math.Pi, "e": math.E}

// floatFunction returns an exact result if argument and result are integers, as
// in log10(1000) or exp(0).
func floatFunction(f func(float64) float64) function {
	return function{1, 1, func(a []number) (number, error) {
		y := f(a[0].value())
		if a[0].ratio != nil && a[0].ratio.IsInt() && y == math.Trunc(y) && math.Abs(y) < 1<<53 {
			return number{ratio: new(big.Rat).SetFloat64(y)}, nil
		}
		return rounded(y)
	}}
}

func logarithm(a []number) (number, error) {
	if len(a) == 1 {
		return naturalLog.call(a)
	}
	base := a[1].value()
	if base <= 0 || base == 1 {
		return number{}, fmt.Errorf("the base of a logarithm must be positive and not 1")
	}
	return rounded(math.Log(a[0].value()) / math.Log(base))
}

func squareRoot(a number) (number, error) {
	if a.sign() < 0 {
		return number{}, errUndefined
	}
	if a.ratio != nil {
		top, bottom := new(big.Int).Sqrt(a.ratio.Num()), new(big.Int).Sqrt(a.ratio.Denom())
		root := new(big.Rat).SetFrac(top, bottom)
		if new(big.Rat).Mul(root, root).Cmp(a.ratio) == 0 {
			return number{ratio: root}, nil
		}
	}
	return rounded(math.Sqrt(a.value()))
}

func absolute(a number) number {
	if a.sign() < 0 {
		return negate(a)
	}
	return a
}

func floor(a number) (number, error) {
	if a.ratio != nil {
		return number{ratio: new(big.Rat).SetInt(floorOf(a.ratio))}, nil
	}
	return whole(math.Floor(a.float))
}

func ceil(a number) (number, error) {
	low, err := floor(negate(a))
	return negate(low), err
}

// whole converts a float without a fraction to an exact number.
func whole(f float64) (number, error) {
	return number{ratio: new(big.Rat).SetFloat64(f)}, nil
}

const maxRoundDigits = 300

// round rounds to the given number of decimals, half away from zero.
func round(a []number) (number, error) {
	digits := 0
	if len(a) == 2 {
		if a[1].ratio == nil || !a[1].ratio.IsInt() || math.Abs(a[1].value()) > maxRoundDigits {
			return number{}, fmt.Errorf("round takes a whole number of digits, at most %d", maxRoundDigits)
		}
		digits = int(a[1].value())
	}
	x := a[0].ratio
	if x == nil {
		x = new(big.Rat).SetFloat64(a[0].float)
	}
	scale, err := power(number{ratio: big.NewRat(10, 1)}, number{ratio: big.NewRat(int64(digits), 1)})
	if err != nil {
		return number{}, err
	}
	scaled := new(big.Rat).Mul(new(big.Rat).Abs(x), scale.ratio)
	nearest := floorOf(scaled.Add(scaled, big.NewRat(1, 2)))
	result := new(big.Rat).Quo(new(big.Rat).SetInt(nearest), scale.ratio)
	if x.Sign() < 0 {
		result.Neg(result)
	}
	return exact(result)
}

// extreme returns the smallest (-1) or largest (1) of the arguments.
func extreme(a []number, direction int) (number, error) {
	best := a[0]
	for _, n := range a[1:] {
		if compare(n, best) == direction {
			best = n
		}
	}
	return best, nil
}

func compare(a, b number) int {
	if a.ratio != nil && b.ratio != nil {
		return a.ratio.Cmp(b.ratio)
	}
	x, y := a.value(), b.value()
	return b2i(x > y) - b2i(x < y)
}
