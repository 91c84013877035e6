package telemetry_test

import (
	"context"
	"os"

	"agent.local/a0000000000000000/telemetry"
)

func ExampleNew() {
	exporter := telemetry.New(os.Getenv, "ada", "1.0.0")
	span := exporter.Start("chat gpt-x", telemetry.Client)
	span.Set("gen_ai.operation.name", "chat")
	span.End()
	exporter.Flush(context.Background())
}
