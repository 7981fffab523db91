"""The network of the functions that mount the file system: isolated subnets with a gateway endpoint for S3.

Without NAT and interface endpoints it costs nothing when idle. A function here reaches S3 in its own region only.
"""

from aws_cdk import Fn, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.nag import acknowledge
from sqlitevault.ground.stage import DeploymentSettings


class Network(Construct):
    """The VPC and subnets of the functions: the application's own, or new ones."""

    def __init__(self, scope: Construct, construct_id: str, *, existing: DeploymentSettings | None) -> None:
        """Use the network that the settings name if `existing` is given, else make one."""
        super().__init__(scope, construct_id)
        self.vpc = _existing_vpc(self, existing) if existing else _new_vpc(self)
        self.subnets = (
            ec2.SubnetSelection(subnets=self.vpc.isolated_subnets)
            if existing
            else ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        )


def _existing_vpc(scope: Construct, existing: DeploymentSettings) -> ec2.IVpc:
    vpc = ec2.Vpc.from_vpc_attributes(
        scope,
        "Vpc",
        vpc_id=str(existing.vpc_id),
        availability_zones=list(existing.availability_zones),
        isolated_subnet_ids=list(existing.subnet_ids),
        isolated_subnet_route_table_ids=list(existing.route_table_ids) or None,
    )
    if existing.route_table_ids:
        ec2.GatewayVpcEndpoint(scope, "S3", vpc=vpc, service=ec2.GatewayVpcEndpointAwsService.S3)
    return vpc


def _new_vpc(scope: Construct) -> ec2.Vpc:
    zones = [Fn.select(index, Fn.get_azs(Stack.of(scope).region)) for index in range(2)]
    vpc = ec2.Vpc(
        scope,
        "Vpc",
        availability_zones=zones,
        nat_gateways=0,
        restrict_default_security_group=False,
        ip_addresses=ec2.IpAddresses.cidr("10.42.0.0/24"),
        subnet_configuration=[
            ec2.SubnetConfiguration(name="isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=27)
        ],
        gateway_endpoints={"S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
    )
    acknowledge(
        vpc, "VPC7", "Isolated subnets without any route out but S3's endpoint: flow logs would cost and show nothing."
    )
    return vpc
