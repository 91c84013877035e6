package calculator

import (
	"math"
	"math/big"
)

// power is exact for integer exponents if the result stays within maxBits. It
// estimates the size first: 9^9^9^9 must fail at once.
func power(a, b number) (number, error) {
	if a.sign() == 0 && b.sign() < 0 {
		return number{}, errZero
	}
	if a.ratio == nil || b.ratio == nil || !b.ratio.IsInt() {
		return rounded(math.Pow(a.value(), b.value()))
	}
	if isUnit(a.ratio) || a.ratio.Sign() == 0 {
		return unitPower(a.ratio, b.ratio.Num())
	}
	bits := max(a.ratio.Num().BitLen(), a.ratio.Denom().BitLen())
	exponent := b.ratio.Num()
	if !exponent.IsInt64() || exponent.CmpAbs(big.NewInt(int64(2*maxBits/bits+1))) > 0 {
		return rounded(math.Pow(a.value(), b.value()))
	}
	n := new(big.Int).Abs(exponent)
	top := new(big.Int).Exp(a.ratio.Num(), n, nil)
	bottom := new(big.Int).Exp(a.ratio.Denom(), n, nil)
	if exponent.Sign() < 0 {
		top, bottom = bottom, top
	}
	return exact(new(big.Rat).SetFrac(top, bottom))
}

func isUnit(r *big.Rat) bool {
	return r.IsInt() && r.Num().IsInt64() && (r.Num().Int64() == 1 || r.Num().Int64() == -1)
}

// unitPower raises 0, 1 or -1 to any integer.
func unitPower(base *big.Rat, exponent *big.Int) (number, error) {
	switch {
	case exponent.Sign() == 0:
		return number{ratio: big.NewRat(1, 1)}, nil
	case base.Sign() < 0 && exponent.Bit(0) == 0:
		return number{ratio: big.NewRat(1, 1)}, nil
	}
	return number{ratio: base}, nil
}
