import path from 'node:path';

function version() {
  try {
    return require('../../package.json').name;
  } catch {
    return 'none';
  }
}

export default (req, res) => {
  const os = require('os');
  res.json({ version: version(), joined: path.posix.join('a', 'b'), end: os.EOL, again: require('../../lib/settings.json') });
};
