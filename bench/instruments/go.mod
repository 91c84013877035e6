module bench.local/instruments

go 1.25
