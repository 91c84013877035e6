const { greet } = require('../../lib/plain');
const settings = require('../../lib/settings.json');

module.exports = async function handler(req, res) {
  res.statusCode = 200;
  res.setHeader('Content-Type', 'text/plain');
  res.end(`${greet(req.query.name || 'you')} ${settings.title}`);
};
