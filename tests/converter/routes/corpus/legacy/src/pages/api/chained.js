const { chain, stamp } = require('#/chain');

module.exports = chain(stamp('one'), stamp('two'), (req, res) => {
  res.status(200).json({ stamps: res.getHeader('x-stamp'), agent: typeof req.headers['user-agent'] });
});
