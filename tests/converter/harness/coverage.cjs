// Lists the routes of a project that no path reaches.
'use strict';
const fs = require('node:fs');
const { routesOf } = require('./server.cjs');

const job = JSON.parse(fs.readFileSync(0, 'utf8'));
const routes = routesOf(job.root);
const covered = new Set(job.paths.map((path) => routes.find(({ pattern }) => pattern.test(path.split('?')[0]))));
const uncovered = routes.filter((route) => !covered.has(route)).map(({ file }) => file);
process.stdout.write(JSON.stringify({ routes: routes.length, uncovered }));
