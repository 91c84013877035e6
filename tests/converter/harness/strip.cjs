// Prints the compiler's and the stripper's output for each file with the compiler's printer, to compare their meaning.
'use strict';
const fs = require('node:fs');

const job = JSON.parse(fs.readFileSync(0, 'utf8'));
const ts = require(job.typescript);

// Drop the parentheses that `(a as T)` leaves behind; the printer adds those that are needed.
const bare = (context) => {
  const visit = (node) => (ts.isParenthesizedExpression(node) ? visit(node.expression) : ts.visitEachChild(node, visit, context));
  return (file) => ts.visitEachChild(file, visit, context);
};

function printed(text, fileName) {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext, isolatedModules: true, removeComments: true };
  const { outputText } = ts.transpileModule(text, { compilerOptions, fileName, transformers: { after: [bare] } });
  // Ignore the .mjs of rewritten imports, and the formatting of enums.
  return outputText.replaceAll('.mjs', '').replace(/^\s*;$/gm, '').replace(/\n+/g, '\n').replaceAll("'", '"').replaceAll(', }', ' }').trim();
}

const results = job.pairs.map(([name, theirs, ours]) => [name, printed(theirs, 'a.ts'), printed(ours, 'a.js')]);
process.stdout.write(JSON.stringify(results));
