// A build that begins anywhere is followed on every page that hears of it: the header's count is read again when it ends.
import { on } from "./dom.js";
import { follow } from "./live.js";

on("build", "", ({ build, status }) => { if (status === "queued" || status === "running") follow(`build-${build}`); });
