const os = require('os');

function greet(name) {
  return `Hello, ${name}!`;
}
const limits = { small: 1, large: 100 };

module.exports = { greet, limits, eol: os.EOL };
