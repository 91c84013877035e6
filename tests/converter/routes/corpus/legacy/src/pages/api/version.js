const { version } = require('server');

exports.default = function handler(req, res) {
  res.json({ version });
};
exports.__esModule = true;
