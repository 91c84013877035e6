module bench.local/searcher

go 1.25

require agent.local/a0000000000000000 v0.0.0

replace agent.local/a0000000000000000 => ../../agent
