"""An NVMe drive whose BAR moves under load: see README.md, the datasheet.

driver side: driver · controller · registers · admin · queues · requests;  silicon: model · engine · store;  both: regs;
for tests and demos: load · ledger · bare · trial.
"""
