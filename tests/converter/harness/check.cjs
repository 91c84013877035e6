// Does what `node --check` does, for many files: parses each according to its suffix, without running it.
'use strict';
const fs = require('node:fs');
const vm = require('node:vm');

const errors = [];
for (const file of JSON.parse(fs.readFileSync(0, 'utf8'))) {
  const text = fs.readFileSync(file, 'utf8');
  try {
    if (file.endsWith('.mjs')) new vm.SourceTextModule(text, { identifier: file });
    else vm.compileFunction(text, ['exports', 'require', 'module', '__filename', '__dirname'], { filename: file });
  } catch (error) {
    errors.push(`${file}: ${error}`);
  }
}
process.stdout.write(JSON.stringify(errors));
