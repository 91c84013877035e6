package memory_test

import (
	"context"
	"fmt"

	"agent.local/a0000000000000000/memory"
)

func ExampleWatch() {
	// Any Go program uses more than 1 MiB.
	ctx, stop := memory.Watch(context.Background(), 1)
	defer stop()
	<-ctx.Done()
	fmt.Println(context.Cause(ctx))
	// Output: the agent exceeded its memory limit of 1 MiB
}
