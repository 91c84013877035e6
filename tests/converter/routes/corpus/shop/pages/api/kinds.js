const kinds = {
  text: (res) => res.send('words ✓'),
  number: (res) => res.status(202).send(42),
  flag: (res) => res.send(true),
  nothing: (res) => res.send(null),
  list: (res) => res.send([1, 'two', null]),
  bytes: (res) => res.send(Buffer.from([0, 255, 128])),
  html: (res) => res.setHeader('Content-Type', 'text/html; charset=utf-8').send('<p>ok</p>'),
  json: (res) => res.json(null),
  end: (res) => res.end(),
  created: (res) => res.status(201).end('made'),
  unchanged: (res) => res.status(304).send({ dropped: true }),
};

export default (req, res) => (kinds[req.query.kind] ?? kinds.nothing)(res);
