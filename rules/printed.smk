# What a run prints: a line a job when it ends, and how many there are. Snakemake's own log has all else.

import logging

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from lanzdml.names import one_line


class OneLineAJob(logging.Formatter):
    """A filter and formatter of the terminal, in place of Snakemake's lines for each job and run."""

    left_out = {
        LogEvent.WORKFLOW_STARTED,
        LogEvent.RUN_INFO,
        LogEvent.RESOURCES_INFO,
        LogEvent.JOB_INFO,
        LogEvent.JOB_STARTED,
        LogEvent.JOB_FINISHED,
    }

    error = "Error in rule"
    noise = ("Select jobs to execute", "Removing output files of failed job")

    def __init__(self, otherwise):
        super().__init__()
        self.otherwise, self.messages, self.ended = otherwise, {}, ""

    def filter(self, record):
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_INFO:
            self.messages[record.jobid] = record.rule_msg or record.rule_name
        if event == LogEvent.JOB_FINISHED:
            self.ended = self.messages.pop(record.job_id, "")
        return event not in self.left_out and not str(record.msg).startswith(self.noise)

    def format(self, record):
        if getattr(record, "event", None) == LogEvent.PROGRESS:
            return one_line(f"{record.done} of {record.total}: {self.ended}")
        if getattr(record, "event", None) == LogEvent.JOB_ERROR:
            message = self.messages.get(record.jobid, record.rule_name)
            return one_line(f"{self.error} {record.rule_name}: {message} ({', '.join(record.log)})")
        return self.otherwise.format(record)


if not (workflow.output_settings.verbose or workflow.output_settings.dryrun):
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler":
            lines = OneLineAJob(handler.formatter)
            handler.addFilter(lines)
            handler.setFormatter(lines)
