// Lets Node load the original routes: the TypeScript compiler turns them into CommonJS.
'use strict';
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const next = require('./next.cjs');

exports.install = (typescript, root, aliases) => {
  const ts = require(typescript);
  const options = {
    module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true, allowJs: true, isolatedModules: true,
  };
  const compile = (module, file) => {
    const { outputText } = ts.transpileModule(fs.readFileSync(file, 'utf8'), { compilerOptions: options, fileName: file });
    module._compile(outputText, file);
  };
  const javascript = Module._extensions['.js'];
  Module._extensions['.ts'] = compile;
  Module._extensions['.js'] = (module, file) => (file.startsWith(root) ? compile : javascript)(module, file);

  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (request, parent, ...rest) {
    if (request in next.modules) return `next-stand-in:${request}`;
    for (const [prefix, target] of aliases) {
      if (request !== prefix && !(prefix.endsWith('/') && request.startsWith(prefix))) continue;
      try {
        return resolve.call(this, path.join(root, target, request.slice(prefix.length)), parent, ...rest);
      } catch {}
    }
    return resolve.call(this, request, parent, ...rest);
  };
  for (const [name, exports] of Object.entries(next.modules)) {
    const id = `next-stand-in:${name}`;
    require.cache[id] = Object.assign(new Module(id), { exports, loaded: true });
  }
};
