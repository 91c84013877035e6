import type { NextApiHandler } from 'next';

const handler: NextApiHandler = (req, res) => {
  const { tenant, year } = req.query;
  res.json({ tenant, year: +(year as string) });
};

export default handler;
