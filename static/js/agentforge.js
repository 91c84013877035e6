// Start the behaviours of a page. Each module looks for its own data-* hooks and does nothing without them.
import "./forms.js";
import "./drafts.js";
import "./autosave.js";
import "./elsewhere.js";
import "./typed.js";
import "./menus.js";
import "./preview.js";
import "./palette.js";
import "./time.js";
import "./keys.js";
import "./focus.js";
import "./steps.js";
import "./uploads.js";
import "./tools.js";
import "./wizard.js";
import "./chat.js";
import "./draft_chat.js";
import "./compile_ask.js";
import "./work.js";
import "./queue.js";
import "./parts.js";
import "./deploy.js";
import "./drops.js";
import { start } from "./live.js";

// Last: every module must be listening before the first record arrives.
start();
