//! The actions of callers, and of other writers to the table.

use super::*;

impl<D: Form> Run<'_, D> {
    /// Stores an item without the store: one of this package, or one of the legacy package, which has no `created`.
    pub(super) fn store_raw(&mut self, slot: usize, created: Option<u64>) {
        let expires = self.now() / 1000 + 60;
        let mut session = json!({ "a": { "N": "1" }, "d": { "N": "2" } });
        if self.flavour.has_unit {
            session["_expire"] = json!({ "N": (expires * 1000).to_string() });
            session["_maxAge"] = json!({ "N": "60000" });
            if !self.flavour.is_whole() {
                session["_kept"] = json!({ "N": "3" });
            }
        }
        let mut item = json!({ "expires": { "N": expires.to_string() } });
        if self.flavour.is_connect {
            item["sess"] = json!({ "S": "{\"a\":1,\"d\":2}" });
        } else if self.flavour.is_foreign && created.is_none() {
            item["sess"] = json!({ "M": session });
        } else {
            item["session"] = json!({ "M": session });
        }
        if let Some(created) = created {
            item["created"] = json!({ "N": created.to_string() });
        } else {
            self.count("legacy rows");
        }
        assert!(self.network.engine.put(&self.key(slot), item));
        let row = self.row(slot);
        self.oracle.interfere(slot, row);
    }

    pub(super) fn act(&mut self, index: usize, act: Act) -> Result<(), Violation> {
        let caller = &mut self.callers[index];
        match act {
            Act::Meet(fate) if caller.waits.is_some() => self.meet(index, fate),
            Act::GiveUp => {
                if let Some(Waiting {
                    intent, progress, ..
                }) = caller.waits.take()
                {
                    if let Some(attempt) = self.network.take(index) {
                        self.late.push(Late {
                            attempt,
                            intent,
                            progress,
                        });
                    }
                    self.count("given up");
                }
                Ok(())
            }
            Act::Meet(_) => Ok(()),
            // A caller that waits does nothing else.
            _ if caller.waits.is_some() => Ok(()),
            Act::Change(field, value) => {
                let name = NAMES[field].to_owned();
                let changed = value.map(|value| match value % 5 {
                    // Sometimes an object, which is still one field.
                    0 => json!({ "n": value, "o": { "p": 1 } }),
                    // Often the same value that others write.
                    1 => json!(value % 3),
                    _ => json!(value),
                });
                match changed {
                    Some(value) => caller.data.insert(name, value),
                    None => caller.data.remove(&name),
                };
                Ok(())
            }
            Act::ChangeMany(value) => {
                for field in 0..120 {
                    caller.data.insert(format!("wide{field}"), json!(value));
                }
                Ok(())
            }
            act => self.call(index, act),
        }
    }

    /// Begins a call.
    pub(super) fn call(&mut self, index: usize, act: Act) -> Result<(), Violation> {
        self.tick();
        let now = self.now();
        let caller = &mut self.callers[index];
        if let Act::Load(slot) = act {
            caller.slot = slot;
            caller.loaded = None;
        }
        let (verb, ttl) = match (act, &caller.loaded) {
            (Act::Load(_), _) => (Verb::Load, 0),
            (Act::Delete, _) => (Verb::Delete, 0),
            (Act::Save(ttl), Some(_)) => (Verb::Save, ttl),
            (Act::Replace(ttl), Some(_)) => (Verb::Replace, ttl),
            (Act::Touch(ttl), Some(_)) => (Verb::Touch, ttl),
            (Act::Create(ttl), _) => (Verb::Create, ttl),
            (Act::CreateOrMerge(ttl), _) => (Verb::CreateOrMerge, ttl),
            (Act::Put(ttl), _) => (Verb::Put, ttl),
            _ => return Ok(()),
        };
        let mut intent = Intent::new(caller.slot, verb, now);
        intent.is_whole = match verb {
            // The whole session only if the expiry unit cannot be written alone.
            Verb::Touch => self.flavour.has_unit && self.flavour.is_update_denied,
            // A create may find an item of another package, which its caller has not loaded.
            Verb::CreateOrMerge if self.flavour.is_foreign => true,
            _ => self.flavour.is_whole(),
        };
        intent.has_unit = self.flavour.has_unit;
        intent.absolute = self.flavour.absolute;
        intent.touch_after = self.flavour.touch_after;
        intent.until = now + ttl * 1000;
        if self.flavour.has_unit && ttl != 0 {
            caller
                .data
                .insert("_expire".to_owned(), json!(intent.until));
            caller.data.insert("_maxAge".to_owned(), json!(ttl * 1000));
        }
        intent.target.clone_from(&caller.data);
        if let Some((record, loaded)) = &caller.loaded {
            intent.base = record.data.data();
            if matches!(verb, Verb::Save | Verb::Replace | Verb::Touch) {
                intent.loaded = Some(*loaded);
            }
        }
        let id = SessionId::new(caller.slot.to_string()).unwrap();
        let session = NewSession::new(id, D::of(&intent.target)).expires_at(at(intent.until));
        let base = caller.loaded.as_ref().map(|(base, _)| base.clone());
        let call = begin(
            self.store.clone(),
            verb,
            session,
            base,
            self.flavour.has_unit,
        );
        caller.waits = Some(Waiting {
            call,
            intent: Rc::new(intent),
            progress: Rc::default(),
        });
        self.count(format!("{verb:?}"));
        self.go_on(index)
    }
}
