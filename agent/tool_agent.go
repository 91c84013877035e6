package bundle

import _ "agent.local/a0000000000000000/tools/askagent"
