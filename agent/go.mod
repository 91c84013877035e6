module agent.local/a0000000000000000

go 1.25
