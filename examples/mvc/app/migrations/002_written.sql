ALTER TABLE entries ADD COLUMN written timestamptz NOT NULL DEFAULT now();
