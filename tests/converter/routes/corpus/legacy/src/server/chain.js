// A chain of middleware as routes of the CommonJS days have it.
function chain(...steps) {
  return async function handler(req, res) {
    let index = -1;
    async function next(at, error) {
      if (error) throw error;
      if (at <= index) throw new Error('next() was called twice');
      index = at;
      const step = steps[at];
      if (step) await step(req, res, (problem) => next(at + 1, problem));
    }
    await next(0);
  };
}

exports.chain = chain;
exports.stamp = (name) => (req, res, next) => {
  res.setHeader('X-Stamp', [].concat(res.getHeader('X-Stamp') || [], name));
  return next();
};
