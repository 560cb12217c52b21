"""Makes ``twistd vcycle`` known. Loads nothing of Vcycle until it is chosen."""

from twisted.application.service import ServiceMaker

vcycle = ServiceMaker(
    name="Vcycle",
    module="vcycle.daemon.plugin",
    description="Keep spaces full of ephemeral virtual machines, by the vacuum model.",
    tapname="vcycle",
)
