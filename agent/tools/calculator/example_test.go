package calculator_test

import (
	"fmt"

	"agent.local/a0000000000000000/tools/calculator"
)

func ExampleEvaluate() {
	for _, expression := range []string{"0.1 + 0.2", "sqrt(2)", "1/0"} {
		fmt.Println(calculator.Evaluate(expression))
	}
	// Output:
	// 0.3 <nil>
	// approximately 1.4142135623731 <nil>
	//  division by zero
}
