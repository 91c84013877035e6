module.exports = async (req, res) => {
  if (req.method !== 'POST') {
    res.setHeader('Allow', 'POST');
    return res.status(405).json({ error: 'POST a form' });
  }
  return res.status(200).json({ fields: req.body, type: typeof req.body });
};
