module.exports = { ...require('./chain'), version: require('../data/version.json').version };
