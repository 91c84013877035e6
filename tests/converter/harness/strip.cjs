// The same file compiled, and our own made of it, both printed by the compiler so that only meaning counts.
'use strict';
const fs = require('node:fs');

const job = JSON.parse(fs.readFileSync(0, 'utf8'));
const ts = require(job.typescript);

// `(a as T)` leaves brackets behind that mean nothing; the printer writes those that do.
const bare = (context) => {
  const visit = (node) => (ts.isParenthesizedExpression(node) ? visit(node.expression) : ts.visitEachChild(node, visit, context));
  return (file) => ts.visitEachChild(file, visit, context);
};

function printed(text, fileName) {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext, isolatedModules: true, removeComments: true };
  const { outputText } = ts.transpileModule(text, { compilerOptions, fileName, transformers: { after: [bare] } });
  // Where our own imports end in .mjs; and how an enum is written is a matter of taste.
  return outputText.replaceAll('.mjs', '').replace(/^\s*;$/gm, '').replace(/\n+/g, '\n').replaceAll("'", '"').replaceAll(', }', ' }').trim();
}

const results = job.pairs.map(([name, theirs, ours]) => [name, printed(theirs, 'a.ts'), printed(ours, 'a.js')]);
process.stdout.write(JSON.stringify(results));
