"""first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "access_key",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("division", sa.String(length=40), nullable=False),
        sa.Column("feed", sa.String(length=60), nullable=False),
        sa.Column("note", sa.String(length=80), nullable=False),
        sa.Column("issued_by", sa.String(length=80), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
        comment="keys of machines; instants here are steady real time, not drill time",
    )
    op.create_table(
        "active_rules",
        sa.Column("hazard", sa.String(length=40), nullable=False),
        sa.Column("term", sa.String(length=20), nullable=False),
        sa.Column("rules", sa.String(length=60), nullable=False),
        sa.Column("element", sa.String(length=40), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("review_after_s", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hazard"),
        comment="which rule table is in force for which hazard in this database",
    )
    op.create_table(
        "answer_token",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("notice", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_table(
        "archived_month",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("month"),
        comment="closed months of readings and the files that hold them",
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("group", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("receipt", sa.String(length=12), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index("attempt_group", ["group"], unique=False)
        batch_op.create_index("attempt_person", ["person", "state"], unique=False)
        batch_op.create_index("attempt_state", ["state", "channel"], unique=False)

    op.create_table(
        "batch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("stored", sa.Integer(), server_default="0", nullable=False),
        sa.Column("flagged", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "again", sa.Text(), nullable=True, comment="stations to be judged again, each from an instant (ms)"
        ),
        sa.PrimaryKeyConstraint("id"),
        comment="readings that were stored together: what the judge is woken for",
    )
    op.create_table(
        "dial_claim",
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("officer", sa.String(length=60), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person"),
        comment="who of the officers at the dial list is ringing this person now",
    )
    op.create_table(
        "division",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("short", sa.String(length=80), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("parent", sa.String(length=40), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "downlink",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed", sa.String(length=60), nullable=False),
        sa.Column("station", sa.String(length=80), nullable=False),
        sa.Column("place", sa.String(length=60), nullable=False),
        sa.Column("county", sa.String(length=40), nullable=False),
        sa.Column("command", sa.String(length=40), nullable=False),
        sa.Column("begin", sa.BigInteger(), nullable=True),
        sa.Column("end", sa.BigInteger(), nullable=True),
        sa.Column("elements", sa.Text(), nullable=False),
        sa.Column("ordered_at", sa.BigInteger(), nullable=False),
        sa.Column("ordered_by", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="what persons ask of devices, and what these answer",
    )
    with op.batch_alter_table("downlink", schema=None) as batch_op:
        batch_op.create_index("downlink_of", ["feed", "state"], unique=False)

    op.create_table(
        "engine_turn",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("recovering", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="how often an engine has judged: one that remembers another number was rolled back or overtaken",
    )
    op.create_table(
        "escalation",
        sa.Column("notice", sa.Integer(), nullable=False),
        sa.Column("superior", sa.String(length=80), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("task", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("notice", "superior"),
        comment="one message per notice and superior; the list behind it grows",
    )
    op.create_table(
        "fact",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("fact", schema=None) as batch_op:
        batch_op.create_index("fact_kind_at", ["kind", "at"], unique=False)
        batch_op.create_index("fact_subject", ["subject"], unique=False)

    op.create_table(
        "feed_count",
        sa.Column("feed", sa.String(length=60), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "day", "what"),
        comment="per feed, day and fate: how many rows; what leaves the quarantine stays counted here",
    )
    op.create_table(
        "feed_memory",
        sa.Column("feed", sa.String(length=60), nullable=False),
        sa.Column("place", sa.String(length=400), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "place"),
        comment="what a transport must still know after a restart: ETags, files already read",
    )
    op.create_table(
        "feed_pace",
        sa.Column("feed", sa.String(length=60), nullable=False),
        sa.Column(
            "slot", sa.Integer(), nullable=False, comment="the minute of the day: a day ago it was used before"
        ),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("lag_least_s", sa.Integer(), nullable=True),
        sa.Column("lag_most_s", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("feed", "slot"),
        comment="the last day of each feed, minute by minute: how many messages, how late their readings",
    )
    op.create_table(
        "field_report",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("notice", sa.Integer(), nullable=False),
        sa.Column("division", sa.String(length=20), nullable=False),
        sa.Column("post", sa.String(length=80), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("value", sa.Integer(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("field_report", schema=None) as batch_op:
        batch_op.create_index("field_report_notice", ["notice", "division", "kind"], unique=False)

    op.create_table(
        "finding",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hazard", sa.String(length=40), nullable=False),
        sa.Column("rules", sa.String(length=60), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(length=20), nullable=False),
        sa.Column("station", sa.String(length=60), nullable=False),
        sa.Column("division", sa.String(length=40), nullable=False),
        sa.Column("areas", sa.Text(), nullable=False),
        sa.Column("basis", sa.String(length=40), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("mark", sa.String(length=1), nullable=False),
        sa.Column("already_over", sa.Boolean(), nullable=False),
        sa.Column("retracted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hazard", "rules", "level", "station", "first_at"),
    )
    with op.batch_alter_table("finding", schema=None) as batch_op:
        batch_op.create_index("finding_open", ["until", "retracted_at"], unique=False)
        batch_op.create_index("finding_station", ["station"], unique=False)

    op.create_table(
        "gauge",
        sa.Column("station", sa.String(length=60), nullable=False),
        sa.Column("division", sa.String(length=40), nullable=False),
        sa.Column("county", sa.String(length=40), nullable=False),
        sa.Column("basis", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("station", "division"),
    )
    op.create_table(
        "hot_spot",
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("satellite", sa.String(length=20), nullable=False),
        sa.Column("is_final", sa.Integer(), nullable=False),
        sa.Column("feed", sa.String(length=60), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("time", "lat", "lon", "satellite"),
        comment="one pixel of one pass; the final processing replaces the first",
    )
    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("lane", sa.String(length=80), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="ready", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "retry_at",
            sa.BigInteger(),
            nullable=True,
            comment="set while a failed job waits for its next attempt: its lane waits too",
        ),
        sa.Column(
            "ended_at",
            sa.BigInteger(),
            nullable=True,
            comment="empty while the job waits; set when it is done, dead or set aside",
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it was set aside"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index(
            "job_dead",
            ["id"],
            unique=False,
            sqlite_where=sa.text("state = 'dead'"),
            postgresql_where=sa.text("state = 'dead'"),
        )
        batch_op.create_index(
            "job_due",
            ["due_at", "id"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(
            "job_lane",
            ["lane", "due_at", "id"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(
            "job_retry",
            ["retry_at", "lane"],
            unique=False,
            sqlite_where=sa.text("retry_at IS NOT NULL"),
            postgresql_where=sa.text("retry_at IS NOT NULL"),
        )

    op.create_table(
        "latch_reset",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hazard", sa.String(length=40), nullable=False),
        sa.Column("station", sa.String(length=60), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("latch_reset", schema=None) as batch_op:
        batch_op.create_index("latch_reset_station", ["station", "at"], unique=False)

    op.create_table(
        "lease",
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("role"),
        comment="which process plays which role; instants are the database server's real time",
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("hazard", sa.String(length=40), nullable=False),
        sa.Column("term", sa.String(length=40), nullable=False),
        sa.Column("county", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("divisions", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("issued_by", sa.String(length=80), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("review_at", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index("notice_ground", ["hazard", "county", "state"], unique=False)

    op.create_table(
        "obligation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("notice", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("division", sa.String(length=20), nullable=False),
        sa.Column("county", sa.String(length=20), nullable=False),
        sa.Column("township", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=12), nullable=False),
        sa.Column("post", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("primary", sa.Integer(), nullable=True),
        sa.Column("deputy", sa.Integer(), nullable=True),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("first_try_at", sa.BigInteger(), nullable=True),
        sa.Column("last_try_at", sa.BigInteger(), nullable=True),
        sa.Column("last_receipt", sa.String(length=12), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_by", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.Integer(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("escalated", sa.Boolean(), nullable=False),
        sa.Column("handed_to", sa.String(length=80), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("obligation", schema=None) as batch_op:
        batch_op.create_index("obligation_deputy", ["deputy", "state"], unique=False)
        batch_op.create_index("obligation_notice", ["notice", "state"], unique=False)
        batch_op.create_index("obligation_primary", ["primary", "state"], unique=False)
        batch_op.create_index("obligation_state", ["state"], unique=False)
        batch_op.create_index("obligation_unit", ["notice", "round", "division", "post"], unique=True)

    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("fictional", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "quake",
        sa.Column("event", sa.String(length=160), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("feed", sa.String(length=60), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event", "updated", "digest"),
        comment="every revision of every event, as its agency gave it",
    )
    with op.batch_alter_table("quake", schema=None) as batch_op:
        batch_op.create_index("quake_time", ["time"], unique=False)

    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed", sa.String(length=60), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("station", sa.String(length=80), nullable=False),
        sa.Column("peer", sa.String(length=80), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="of the whole, where `raw` is only its beginning"),
        sa.Column("state", sa.String(length=10), server_default="held", nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_by", sa.String(length=80), nullable=False),
        sa.Column("settled_why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index("quarantine_feed", ["feed", "id"], unique=False)
        batch_op.create_index("quarantine_state", ["state", "feed", "code"], unique=False)

    op.create_table(
        "pulse",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("term", sa.String(length=200), nullable=False),
        sa.Column("feed", sa.String(length=60), nullable=False),
        sa.Column("county", sa.String(length=40), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=True),
        sa.Column("well", sa.Boolean(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("silent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "name"),
        comment="who should speak, how often, and when he last did",
    )
    with op.batch_alter_table("pulse", schema=None) as batch_op:
        batch_op.create_index("pulse_due", ["due_at"], unique=False)

    op.create_table(
        "pulse_look",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
        comment="when we next ask who of this kind should speak",
    )
    op.create_table(
        "read_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False, comment="the tag of an account or a key"),
        sa.Column("what", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("read_log", schema=None) as batch_op:
        batch_op.create_index("read_log_subject", ["subject", "at"], unique=False)

    op.create_table(
        "reply",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attempt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="in a drill it may lie ahead"),
        sa.Column("receipt", sa.String(length=12), nullable=False),
        sa.Column("value", sa.Integer(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="what came back and is not taken in yet; it leaves with the transaction that takes it in",
    )
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.create_index("reply_at", ["at", "attempt", "id"], unique=False)
        batch_op.create_index("reply_attempt", ["attempt"], unique=False)

    op.create_table(
        "seal_head",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("first", sa.BigInteger(), nullable=False, comment="the number with which this batch begins"),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        comment="the signed end of each sealed batch",
    )
    op.create_table(
        "reading_mark",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station", sa.String(length=60), nullable=False),
        sa.Column("element", sa.String(length=40), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("quality", sa.String(length=8), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="what persons say of readings; rows are only added, the last one over an instant counts",
    )
    with op.batch_alter_table("reading_mark", schema=None) as batch_op:
        batch_op.create_index("reading_mark_of", ["station", "element"], unique=False)

    op.create_table(
        "same_source",
        sa.Column("element", sa.String(length=40), nullable=False),
        sa.Column("station", sa.String(length=60), nullable=False),
        sa.Column("same_as", sa.String(length=60), nullable=False),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("element", "station"),
        comment="stations whose readings are those of another: they count as one source",
    )
    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station", sa.String(length=60), nullable=False),
        sa.Column("element", sa.String(length=40), nullable=False),
        sa.Column("step_s", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("station", "element", "step_s"),
    )
    op.create_table(
        "shift",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("term", sa.String(length=20), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "signal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed", sa.String(length=60), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(length=200), nullable=False),
        sa.Column("identifier", sa.String(length=200), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="of the document it came in"),
        sa.Column("content", sa.String(length=64), nullable=False, comment="of the signal alone"),
        sa.Column("codec", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sender", "identifier", "sent", "content"),
        comment="official warnings, each once however often its envelope changes",
    )
    with op.batch_alter_table("signal", schema=None) as batch_op:
        batch_op.create_index("signal_sent", ["sent"], unique=False)

    op.create_table(
        "signal_document",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="documents of official warnings byte for byte as they came, each once however many it holds",
    )

    op.create_table(
        "situation",
        sa.Column("hazard", sa.String(length=40), nullable=False),
        sa.Column("division", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hazard", "division"),
    )
    op.create_table(
        "situation_history",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("hazard", sa.String(length=40), nullable=False),
        sa.Column("division", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=True),
        sa.Column("previous", sa.String(length=20), nullable=True),
        sa.Column("ground", sa.String(length=20), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("situation_history", schema=None) as batch_op:
        batch_op.create_index("situation_history_of", ["hazard", "division"], unique=False)

    op.create_table(
        "stamp",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        comment="the database's own identity: its mode and city",
    )
    op.create_table(
        "station_alias",
        sa.Column("system", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("station", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("system", "code"),
        comment="what a gauge is called elsewhere",
    )
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("group", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=400), nullable=False),
        sa.Column("division", sa.String(length=20), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("ladder", sa.String(length=40), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("ahead_s", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.String(length=80), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index("task_group", ["group", "kind"], unique=False)
        batch_op.create_index("task_next", ["next_at"], unique=False)
        batch_op.create_index("task_state_due", ["state", "due_at"], unique=False)

    op.create_table(
        "user_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("login", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("division", sa.String(length=40), nullable=False),
        sa.Column("posts", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login"),
    )
    op.create_table(
        "visit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("notice", sa.Integer(), nullable=False),
        sa.Column("division", sa.String(length=20), nullable=False),
        sa.Column("visitor", sa.Integer(), nullable=True),
        sa.Column("visitor_post", sa.String(length=80), nullable=False),
        sa.Column("sent_by", sa.String(length=80), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("eta_at", sa.BigInteger(), nullable=False),
        sa.Column("arrived_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_notice"), ["notice"], unique=False)

    op.create_table(
        "watched_division",
        sa.Column("division", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("division"),
        comment="divisions that must be spoken for: one without a gauge is unknown, never calm",
    )
    op.create_table(
        "contact",
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False, comment="encrypted; the key lies outside the database"),
        sa.Column("trace", sa.String(length=64), nullable=False, comment="blind index"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person", "kind"),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index("contact_trace", ["trace"], unique=False)

    op.create_table(
        "division_code",
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("division", sa.String(length=40), nullable=False),
        sa.Column("scheme", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("name_in_list", sa.String(length=80), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["division"],
            ["division.id"],
        ),
        sa.PrimaryKeyConstraint("row"),
    )
    with op.batch_alter_table("division_code", schema=None) as batch_op:
        batch_op.create_index("division_code_scheme", ["scheme", "code"], unique=False)

    op.create_table(
        "flag",
        sa.Column("series_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("check_key", sa.String(length=20), nullable=False),
        sa.Column("quality", sa.String(length=8), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["series.id"],
        ),
        sa.PrimaryKeyConstraint("series_id", "time", "check_key"),
        comment="what the checks and the sender say of a reading; a reading without a row is good",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "latest",
        sa.Column(
            "series_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False, comment="the first reading of the series"),
        sa.Column(
            "steady", sa.BigInteger(), nullable=True, comment="since when the value is the same; empty: look"
        ),
        sa.Column(
            "doubt",
            sa.Boolean(),
            nullable=False,
            comment="the next reading may change what is thought of this one",
        ),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["series.id"],
        ),
        sa.PrimaryKeyConstraint("series_id"),
    )
    op.create_table(
        "notice_revision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("notice", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.String(length=12), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice"],
            ["notice.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("notice_revision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_revision_notice"), ["notice"], unique=False)

    op.create_table(
        "observation",
        sa.Column("series_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batch.id"],
        ),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["series.id"],
        ),
        sa.PrimaryKeyConstraint("series_id", "time", "revision"),
        postgresql_partition_by="RANGE (time)",
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("observation", schema=None) as batch_op:
        batch_op.create_index("observation_batch", ["batch_id"], unique=False)

    op.create_table(
        "post",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("division", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("superior", sa.String(length=100), nullable=True),
        sa.Column("department", sa.String(length=80), nullable=False),
        sa.Column("duty", sa.String(length=200), nullable=False),
        sa.Column("holding", sa.String(length=10), nullable=False),
        sa.Column("mark", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["division"],
            ["division.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("post", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_post_division"), ["division"], unique=False)

    op.create_table(
        "proposal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("notice", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("hazard", sa.String(length=40), nullable=False),
        sa.Column("term", sa.String(length=40), nullable=False),
        sa.Column("county", sa.String(length=20), nullable=False),
        sa.Column("act", sa.String(length=12), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("divisions", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("task", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice"],
            ["notice.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.create_index("proposal_ground", ["hazard", "county", "state"], unique=False)

    op.create_table(
        "seal",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("fact", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False, comment="the fencing number of the sealer's lease"),
        sa.ForeignKeyConstraint(
            ["fact"],
            ["fact.id"],
        ),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("fact"),
        comment="the chain over the facts; facts themselves are never touched",
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("proved_at", sa.BigInteger(), nullable=True, comment="when the second factor was last shown"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
        ),
        sa.PrimaryKeyConstraint("token_hash"),
        comment="instants here are steady real time, not drill time",
    )
    op.create_table(
        "mandate",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("giver", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("taker", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["giver"],
            ["user_account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["taker"],
            ["user_account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        comment="who acts in whose place; instants here are steady real time, not drill time",
    )
    with op.batch_alter_table("mandate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mandate_taker"), ["taker"], unique=False)

    op.create_table(
        "recovery_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
        ),
        sa.PrimaryKeyConstraint("code_hash"),
    )
    with op.batch_alter_table("recovery_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recovery_code_user_id"), ["user_id"], unique=False)

    op.create_table(
        "retention_sweep",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("swept_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
        comment="when each kind of personal data was last looked through",
    )
    op.create_table(
        "second_factor",
        sa.Column(
            "user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("sealed", sa.Text(), nullable=False, comment="encrypted; the key lies outside the database"),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "last_step",
            sa.BigInteger(),
            nullable=False,
            comment="codes of this step and earlier ones count no more",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
        ),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "station",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("altitude_m", sa.Float(), nullable=True),
        sa.Column("county", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["county"],
            ["division.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "holder",
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("post", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=1), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shift", sa.String(length=20), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["post"],
            ["post.id"],
        ),
        sa.ForeignKeyConstraint(
            ["shift"],
            ["shift.name"],
        ),
        sa.PrimaryKeyConstraint("row"),
    )
    with op.batch_alter_table("holder", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_holder_person"), ["person"], unique=False)
        batch_op.create_index(batch_op.f("ix_holder_post"), ["post"], unique=False)

    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().exec_driver_sql(
            "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' 只可追加'; END $$ "
        )
        op.get_bind().exec_driver_sql(
            "CREATE TRIGGER fact_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON fact FOR EACH "
            "STATEMENT EXECUTE FUNCTION append_only() "
        )
        op.get_bind().exec_driver_sql(
            "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' 只可追加'; END $$ "
        )
        op.get_bind().exec_driver_sql(
            "CREATE TRIGGER seal_head_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seal_head FOR "
            "EACH STATEMENT EXECUTE FUNCTION append_only() "
        )
        op.get_bind().exec_driver_sql("CREATE TABLE observation_rest PARTITION OF observation DEFAULT ")
        op.get_bind().exec_driver_sql(
            "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' 只可追加'; END $$ "
        )
        op.get_bind().exec_driver_sql(
            "CREATE TRIGGER seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seal FOR EACH "
            "STATEMENT EXECUTE FUNCTION append_only() "
        )

    if op.get_bind().dialect.name == "sqlite":
        op.get_bind().exec_driver_sql(
            "CREATE TRIGGER fact_no_update BEFORE UPDATE ON fact BEGIN SELECT RAISE(ABORT, 'fact 只可追加'); END "
        )
        op.get_bind().exec_driver_sql(
            "CREATE TRIGGER fact_no_delete BEFORE DELETE ON fact BEGIN SELECT RAISE(ABORT, 'fact 只可追加'); END "
        )
        op.get_bind().exec_driver_sql(
            "CREATE TRIGGER fact_no_replace BEFORE INSERT ON fact WHEN EXISTS (SELECT 1 FROM fact WHERE "
            "id = NEW.id) BEGIN SELECT RAISE(ABORT, 'fact 只可追加'); END "
        )
        op.get_bind().exec_driver_sql(
            "CREATE TRIGGER seal_head_no_update BEFORE UPDATE ON seal_head BEGIN SELECT RAISE(ABORT, "
            "'seal_head 只可追加'); END "
        )
        op.get_bind().exec_driver_sql(
            "CREATE TRIGGER seal_head_no_delete BEFORE DELETE ON seal_head BEGIN SELECT RAISE(ABORT, "
            "'seal_head 只可追加'); END "
        )
        op.get_bind().exec_driver_sql(
            "CREATE TRIGGER seal_head_no_replace BEFORE INSERT ON seal_head WHEN EXISTS (SELECT 1 FROM "
            "seal_head WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'seal_head 只可追加'); END "
        )
        op.get_bind().exec_driver_sql(
            "CREATE TRIGGER seal_no_update BEFORE UPDATE ON seal BEGIN SELECT RAISE(ABORT, 'seal 只可追加'); END "
        )
        op.get_bind().exec_driver_sql(
            "CREATE TRIGGER seal_no_delete BEFORE DELETE ON seal BEGIN SELECT RAISE(ABORT, 'seal 只可追加'); END "
        )
        op.get_bind().exec_driver_sql(
            "CREATE TRIGGER seal_no_replace BEFORE INSERT ON seal WHEN EXISTS (SELECT 1 FROM seal WHERE "
            "seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'seal 只可追加'); END "
        )
