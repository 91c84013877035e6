// Which routes of a project no question reaches.
'use strict';
const fs = require('node:fs');
const { routesOf } = require('./server.cjs');

const job = JSON.parse(fs.readFileSync(0, 'utf8'));
const routes = routesOf(job.root);
const asked = new Set(job.questions.map((path) => routes.find(({ pattern }) => pattern.test(path.split('?')[0]))));
const unasked = routes.filter((route) => !asked.has(route)).map(({ file }) => file);
process.stdout.write(JSON.stringify({ routes: routes.length, unasked }));
